// Server-Sent Events over fetch(), for streams that want a bearer token: EventSource cannot send one. Nothing in here knows
// of stores or tokens; copy it as it is.

const DEFAULT_RETRY = 5_000;
// Servers send a comment now and then when they have nothing to say. After so long without a byte nobody is there any more.
const SILENCE = 90_000;

/** The connection failed or was cut, which is no mistake of the page: what callbacks throw is not taken for it. */
class Lost extends Error {}

const lost = (cause) => {
  throw new Lost("the connection is lost", { cause });
};

/** Reads the text of a stream in pieces, however it was cut, and gives the events in it (HTML standard, 9.2.6). */
export class EventParser {
  /** The id of the last event, for `Last-Event-ID`. */
  lastEventId;
  /** After how many milliseconds to connect again, if the server said so. */
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

  /** The events that are complete with this piece: `{ type, data, id }`. */
  push(piece) {
    if (piece === "") return [];
    // A line ends with CR, LF or both; the LF behind a CR may come with the next piece.
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
 * Follows a stream until `signal` ends it: connects, hands every event on, and connects again when the connection ends.
 *
 * @param {string} url
 * @param {object} options
 * @param {AbortSignal} options.signal ends it
 * @param {() => Record<string, string>} options.headers asked before each connection, since a token may be a new one
 * @param {(event: {type: string, data: string, id: string}) => void} options.onEvent
 * @param {() => void} options.onOpen the server answers with a stream
 * @param {(pause: number) => void} options.onLost the connection ended, and is tried again after so many milliseconds
 * @param {(response: Response) => boolean | Promise<boolean>} options.onRefused the answer is no stream; whether to try again
 * @param {string} [options.lastEventId] where an earlier stream was left
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

/** The text of a connection as it comes. The connection is given up when nothing comes for too long. */
async function* pieces(body, connection) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const timer = setTimeout(() => connection.abort(), SILENCE);
    const { done, value } = await reader.read().catch(lost).finally(() => clearTimeout(timer));
    if (done) return;
    yield value;
  }
}

/** Waits, but no longer than `signal` lets it. */
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
