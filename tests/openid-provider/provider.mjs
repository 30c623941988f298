// A real OpenID provider for the tests: `oidc-provider`, certified by the OpenID Foundation, on a free loopback port.
// It is told where it is installed, prints its issuer once it listens (behind `storegate: `, since the library prints
// notices of its own), and ends when its standard input does.
// A line on standard input makes it publish and sign with a new key, as a rotation would.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const installed = join(process.argv[2], 'node_modules', 'oidc-provider', 'lib', 'index.js');
const { Provider } = await import(pathToFileURL(installed));

const RESOURCE = 'urn:storegate';

function newKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: randomUUID() };
}

function provider(issuer, keys) {
  return new Provider(issuer, {
    jwks: { keys },
    clients: [{
      client_id: 'portal', client_secret: 'a-secret-of-the-tests', redirect_uris: [], response_types: [],
      grant_types: ['client_credentials'],
    }],
    scopes: ['flow:read', 'stores:read'],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        getResourceServerInfo: () => ({
          audience: 'storegate', scope: 'flow:read stores:read', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
    extraTokenClaims: () => ({ organization: { id: 'org-1' }, shops: ['S_123456'] }),
  });
}

let keys = [newKey()];
let answer;
const server = createServer((request, response) => answer(request, response));
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  answer = provider(issuer, keys).callback();
  console.log(`storegate: ${issuer}`);
  const lines = createInterface({ input: process.stdin });
  lines.on('line', () => {
    keys = [newKey(), ...keys];
    answer = provider(issuer, keys).callback();
    console.log('storegate: rotated');
  });
  lines.on('close', () => process.exit(0));
});
