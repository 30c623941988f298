// Who is signed in. The token, and the secret that it was got with, live in this module's memory alone: not in the address,
// not in localStorage, so that nothing of them is left when the page is closed.

import { readJson, TROUBLE } from "./api.js";

// A new token is fetched this long before the old one ends, and this often when that fails.
const EARLY = 60_000;
const AGAIN = 15_000;

/** Says “start” when there is a token, and “end” with a reason in `detail` when there is none any more. */
export class Session extends EventTarget {
  #token = null;
  #client = null;
  #timer = 0;
  #renewal = null;

  get isOpen() {
    return this.#token !== null;
  }

  /** What each request carries. */
  get headers() {
    return { authorization: `Bearer ${this.#token}` };
  }

  /** Starts with the token of a link such as `/#token=…`, if the page was opened by one. Gives whether it was. */
  startFromAddress() {
    const token = new URLSearchParams(location.hash.slice(1)).get("token");
    if (!token) return false;
    history.replaceState(null, "", location.pathname + location.search);
    this.#forget();
    this.#start(token);
    return true;
  }

  /** Starts with a client's id and secret. Throws an Error that can be shown when they are wrong. */
  async signIn(id, secret) {
    const { access_token, expires_in } = await requestToken(id, secret);
    this.#forget();
    this.#client = { id, secret };
    this.#renewIn(expires_in);
    this.#start(access_token);
  }

  /** Ends, and says why; without a reason when people sign out. */
  end(reason = "") {
    if (this.#token === null) return;
    this.#forget();
    this.dispatchEvent(new CustomEvent("end", { detail: reason }));
  }

  /** Ends because the service refuses the token. What stands behind the first sentence is for programs. */
  refused({ title, detail }) {
    this.end(`Signed out: ${(detail ?? title).split(". ")[0].replace(/\.?$/, ".")}`);
  }

  /** Gets a token now, because the old one is refused. Gives whether there is a new one. All who ask wait for the same. */
  renew() {
    if (!this.#client) return Promise.resolve(false);
    this.#renewal ??= this.#renewOnce(this.#client).finally(() => (this.#renewal = null));
    return this.#renewal;
  }

  async #renewOnce(client) {
    try {
      const { access_token, expires_in } = await requestToken(client.id, client.secret);
      if (this.#client !== client) return false; // somebody signed out meanwhile
      this.#token = access_token;
      this.#renewIn(expires_in);
      return true;
    } catch (error) {
      if (error.isRefused) this.end(`Signed out: ${error.message}`);
      else if (this.#client === client) this.#timer = setTimeout(() => this.renew(), AGAIN);
      return false;
    }
  }

  #start(token) {
    this.#token = token;
    this.dispatchEvent(new CustomEvent("start"));
  }

  #renewIn(seconds) {
    clearTimeout(this.#timer);
    const life = seconds * 1_000;
    this.#timer = setTimeout(() => this.renew(), Math.max(life - EARLY, life / 2));
  }

  #forget() {
    clearTimeout(this.#timer);
    this.#token = null;
    this.#client = null;
  }
}

/** The client credentials grant (RFC 6749, 4.4). The errors of OAuth are their own, not problem documents. */
async function requestToken(client_id, client_secret) {
  const body = new URLSearchParams({ grant_type: "client_credentials", client_id, client_secret });
  // Without `omit` a browser answers a 401 by asking for a password itself.
  const answer = await fetch("oauth/token", { method: "POST", body, credentials: "omit" }).catch(() => null);
  if (!answer) throw new Error(TROUBLE.unreachable.detail);
  const content = (await readJson(answer)) ?? {};
  if (answer.ok) return content;
  const seconds = Number(answer.headers.get("retry-after"));
  const message = content.error_description ?? `The service answers with ${answer.status}`;
  const error = new Error(seconds > 0 ? `${message} (${seconds} s).` : `${message}.`);
  error.isRefused = answer.status === 400 || answer.status === 401;
  throw error;
}
