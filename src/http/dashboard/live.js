// Server-Sent Events over fetch(), for streams that need a bearer token: EventSource cannot send one. This module is
// independent of stores and tokens and can be copied as it is.

const DEFAULT_RETRY = 5_000;
// Servers send a comment from time to time when there are no events. After this time without a byte the connection is dead.
const SILENCE = 90_000;

/** The connection failed or was closed. Errors thrown by callbacks are not of this class. */
class Lost extends Error {}

const lost = (cause) => {
  throw new Lost("the connection is lost", { cause });
};

/** Parses the text of a stream in pieces of any size, and returns its events (HTML standard, 9.2.6). */
export class EventParser {
  /** The id of the last event, for `Last-Event-ID`. */
  lastEventId;
  /** The delay in milliseconds before reconnecting, if the server sent one. */
  retry = null;
  #rest = "";
  #endedWithCr = false;
  #type = "";
  #data = [];
  #id;

  constructor(lastEventId = "") {
    this.lastEventId = lastEventId;
    this.#id = lastEventId;
  }

  /** Returns the events that this piece completes: `{ type, data, id }`. */
  push(piece) {
    if (piece === "") return [];
    // A line ends with CR, LF or both; the LF after a CR may arrive with the next piece.
    this.#rest += this.#endedWithCr && piece.startsWith("\n") ? piece.slice(1) : piece;
    this.#endedWithCr = piece.endsWith("\r");
    const lines = this.#rest.split(/\r\n|\r|\n/);
    this.#rest = lines.pop();
    return lines.map((line) => (line === "" ? this.#complete() : this.#read(line))).filter(Boolean);
  }

  #read(line) {
    const colon = line.indexOf(":");
    if (colon === 0) return null; // a comment
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#type = value;
    if (field === "data") this.#data.push(value);
    if (field === "id" && !value.includes("\0")) this.#id = value;
    if (field === "retry" && /^[0-9]+$/.test(value)) this.retry = Number(value);
    return null;
  }

  #complete() {
    const [type, data] = [this.#type || "message", this.#data];
    this.#type = "";
    this.#data = [];
    this.lastEventId = this.#id;
    return data.length > 0 ? { type, data: data.join("\n"), id: this.lastEventId } : null;
  }
}

/**
 * Follows a stream until `signal` aborts: connects, passes on every event, and reconnects when the connection ends.
 *
 * @param {string} url
 * @param {object} options
 * @param {AbortSignal} options.signal ends the stream
 * @param {() => Record<string, string>} options.headers called before each connection, since the token may have changed
 * @param {(event: {type: string, data: string, id: string}) => void} options.onEvent
 * @param {() => void} options.onOpen the server responds with a stream
 * @param {(pause: number) => void} options.onLost the connection ended, and is retried after this pause in milliseconds
 * @param {(response: Response) => boolean | Promise<boolean>} options.onRefused the response is no stream; returns whether to retry
 * @param {string} [options.lastEventId] the id after which an earlier stream ended
 */
export async function follow(url, { signal, headers, onEvent, onOpen, onLost, onRefused, lastEventId = "" }) {
  let retry = DEFAULT_RETRY;
  while (!signal.aborted) {
    const connection = new AbortController();
    const whenEnded = () => connection.abort();
    signal.addEventListener("abort", whenEnded);
    let wanted = 0;
    try {
      const resume = lastEventId ? { "last-event-id": lastEventId } : {};
      const response = await fetch(url, {
        headers: { accept: "text/event-stream", ...headers(), ...resume },
        cache: "no-store",
        credentials: "omit",
        signal: connection.signal,
      }).catch(lost);
      if (isStream(response)) {
        onOpen();
        const parser = new EventParser(lastEventId);
        for await (const piece of pieces(response.body, connection)) {
          const events = parser.push(piece);
          ({ lastEventId } = parser);
          retry = parser.retry ?? retry;
          for (const event of events) if (!signal.aborted) onEvent(event);
        }
      } else {
        wanted = 1_000 * (Number(response.headers.get("retry-after")) || 0);
        if (!(await onRefused(response))) return;
      }
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
    } finally {
      signal.removeEventListener("abort", whenEnded);
      connection.abort();
    }
    if (signal.aborted) return;
    const pause = Math.max(retry, wanted);
    onLost(pause);
    await delay(pause, signal);
  }
}

function isStream(response) {
  return response.ok && (response.headers.get("content-type") ?? "").startsWith("text/event-stream");
}

/** Reads the text of a connection. The connection is aborted when nothing arrives for too long. */
async function* pieces(body, connection) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const timer = setTimeout(() => connection.abort(), SILENCE);
    const { done, value } = await reader.read().catch(lost).finally(() => clearTimeout(timer));
    if (done) return;
    yield value;
  }
}

/** Waits until the time is over or `signal` aborts. */
export function delay(milliseconds, signal) {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", done, { once: true });
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}
