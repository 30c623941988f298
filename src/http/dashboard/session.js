// The session. The token, and the secret that it was requested with, live in this module's memory alone: not in the address,
// not in localStorage, so that nothing of them is left when the page is closed.

import { readJson, TROUBLE } from "./api.js";

// A new token is requested this long before the old one expires, and again after this time if that fails.
const EARLY = 60_000;
const AGAIN = 15_000;

/** Dispatches “start” when there is a token, and “end” with a reason in `detail` when there is none any more. */
export class Session extends EventTarget {
  #token = null;
  #client = null;
  #timer = 0;
  #renewal = null;

  get isOpen() {
    return this.#token !== null;
  }

  /** The headers of each request. */
  get headers() {
    return { authorization: `Bearer ${this.#token}` };
  }

  /** Starts with the token of a link such as `/#token=…`, if the page was opened with one, and returns whether it was. */
  startFromAddress() {
    const token = new URLSearchParams(location.hash.slice(1)).get("token");
    if (!token) return false;
    history.replaceState(null, "", location.pathname + location.search);
    this.#forget();
    this.#start(token);
    return true;
  }

  /** Starts with a client's id and secret. Throws an Error that can be shown if they are wrong. */
  async signIn(id, secret) {
    const { access_token, expires_in } = await requestToken(id, secret);
    this.#forget();
    this.#client = { id, secret };
    this.#renewIn(expires_in);
    this.#start(access_token);
  }

  /** Ends the session with a reason, or without one when people sign out. */
  end(reason = "") {
    if (this.#token === null) return;
    this.#forget();
    this.dispatchEvent(new CustomEvent("end", { detail: reason }));
  }

  /** Ends the session because the service refuses the token. Only the first sentence of the error is for people. */
  refused({ title, detail }) {
    this.end(`Signed out: ${(detail ?? title).split(". ")[0].replace(/\.?$/, ".")}`);
  }

  /** Requests a token now, because the old one is refused, and returns whether that worked. Concurrent callers share it. */
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

/** The client credentials grant (RFC 6749, 4.4). OAuth errors have their own form; they are not problem documents. */
async function requestToken(client_id, client_secret) {
  const body = new URLSearchParams({ grant_type: "client_credentials", client_id, client_secret });
  // Without `omit` a browser answers a 401 by prompting for a password itself.
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
