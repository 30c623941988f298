// Verifies tokens of HS256, RS256 and EdDSA keys, by key id. fast-jwt remembers the tokens it has verified.
import { createVerifier } from 'fast-jwt';

export function tokenVerifier({ keys, issuer, audience }) {
  const verifier = (algorithm, key) =>
    createVerifier({
      key,
      algorithms: [algorithm],
      allowedIss: issuer,
      allowedAud: audience,
      requiredClaims: ['exp', 'scope', 'tenant'],
      cache: 1000,
    });
  const byKey = new Map(keys.map(({ kid, algorithm, key }) => [kid, verifier(algorithm, key)]));
  // Tokens of one key begin alike: the header is decoded once, not for each request.
  const byHeader = new Map();
  return (token) => {
    const header = token.slice(0, token.indexOf('.'));
    let verify = byHeader.get(header);
    if (!verify) {
      verify = byKey.get(JSON.parse(Buffer.from(header, 'base64url')).kid);
      if (!verify) throw new Error('the key is not known');
      if (byHeader.size < 100) byHeader.set(header, verify);
    }
    return verify(token);
  };
}
