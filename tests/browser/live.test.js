// The dashboard's client of Server-Sent Events, without a browser: what it reads, and when it connects again.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { EventParser, follow } from "./dashboard/live.js";

const all = (pieces, parser = new EventParser()) => pieces.flatMap((piece) => parser.push(piece));
const of = (data, type = "message", id = "") => ({ type, data, id });

test("lines end with LF, CR or both, wherever the stream is cut", () => {
  for (const end of ["\n", "\r", "\r\n"]) {
    const stream = ["event: flow", "id: 7", "data: {}", "", ": still here", "", "data: two", "", ""].join(end);
    const expected = [of("{}", "flow", "7"), of("two", "message", "7")];
    assert.deepEqual(all([stream]), expected);
    assert.deepEqual(all([...stream]), expected, "character by character");
    for (let cut = 1; cut < stream.length; cut += 1) {
      assert.deepEqual(all([stream.slice(0, cut), stream.slice(cut)]), expected, `cut at ${cut}`);
    }
  }
});

test("several data lines are one text; one blank after the colon does not belong to it", () => {
  assert.deepEqual(all(["data: a\ndata:b\ndata:  c\ndata\n\n"]), [of("a\nb\n c\n")]);
});

test("comments, unknown fields and events without data are no events", () => {
  assert.deepEqual(all([": hello\n\nflavour: mint\nevent: flow\n\ndata: x\n\n"]), [of("x")]);
});

test("an event is given at its empty line and not before; what is left at the end is none", () => {
  const parser = new EventParser();
  assert.deepEqual(parser.push("data: x\n"), []);
  assert.deepEqual(parser.push("\n"), [of("x")]);
  assert.deepEqual(parser.push("data: unfinished\n"), []);
});

test("an id stays until there is another one, is emptied by an empty one, and has no NUL", () => {
  const parser = new EventParser();
  const ids = (stream) => parser.push(stream).map((event) => event.id);
  assert.deepEqual(ids("id: 1\ndata: a\n\ndata: b\n\nid: 2\0\ndata: c\n\nid\ndata: d\n\n"), ["1", "1", "1", ""]);
  parser.push("id: 9\n");
  assert.equal(parser.lastEventId, "", "the event of this id is not complete");
  parser.push("\n");
  assert.equal(parser.lastEventId, "9");
});

test("retry is a number of milliseconds, and anything else is ignored", () => {
  const parser = new EventParser();
  parser.push("retry: soon\nretry: -1\nretry: 1e3\n\n");
  assert.equal(parser.retry, null);
  parser.push("retry: 5000\n\n");
  assert.equal(parser.retry, 5_000);
});

/** A server that gives one prepared answer a connection, and notes what it was asked. */
let server, url, asked, answers;
before(async () => {
  server = createServer((request, response) => {
    asked.push(request.headers);
    const answer = answers.shift();
    if (!answer) return request.socket.destroy();
    answer(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${server.address().port}/`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

const stream = (...pieces) => (response) => {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  for (const piece of pieces) response.write(piece);
  response.end();
};
const refuse = (status, headers = {}) => (response) => response.writeHead(status, headers).end("{}");

/** Follows the prepared answers until `enough` says so; gives what happened. */
async function followed(prepared, enough, { goOn = () => true, headers = () => ({}), lastEventId } = {}) {
  [asked, answers] = [[], prepared];
  const [seen, ending] = [[], new AbortController()];
  const note = (...what) => {
    seen.push(what);
    if (enough(seen)) ending.abort();
  };
  await follow(url, {
    signal: ending.signal,
    headers,
    lastEventId,
    onOpen: () => note("open"),
    onEvent: ({ type, data }) => note(type, data),
    onLost: (pause) => note("lost", pause),
    onRefused: (response) => {
      note("refused", response.status);
      return goOn(response);
    },
  });
  return seen;
}

test("it connects again after the server's pause, with the last id and new headers", async () => {
  const prepared = [stream("retry: 1\n\nid: a\ndata: 1\n\n"), stream("id: b\ndata: 2\n\n"), stream("data: 3\n\n")];
  let token = 0;
  const seen = await followed(prepared, (seen) => seen.at(-1)[1] === "3", {
    headers: () => ({ authorization: `Bearer ${(token += 1)}` }),
  });
  assert.deepEqual(
    seen,
    [["open"], ["message", "1"], ["lost", 1], ["open"], ["message", "2"], ["lost", 1], ["open"], ["message", "3"]],
  );
  assert.deepEqual(asked.map((headers) => headers["last-event-id"]), [undefined, "a", "b"]);
  assert.deepEqual(asked.map((headers) => headers.authorization), ["Bearer 1", "Bearer 2", "Bearer 3"]);
  assert.ok(asked.every((headers) => headers.accept === "text/event-stream"));
});

test("it goes on where an earlier stream was left", async () => {
  await followed([stream("data: 1\n\n")], (seen) => seen.length === 2, { lastEventId: "z" });
  assert.equal(asked[0]["last-event-id"], "z");
});

test("characters of several bytes may be cut", async () => {
  const bytes = Buffer.from("data: 晴 18℃\n\n");
  const pieces = [...bytes].map((byte) => Buffer.from([byte]));
  const seen = await followed([stream(...pieces)], (seen) => seen.length === 2);
  assert.deepEqual(seen[1], ["message", "晴 18℃"]);
});

test("an answer that is no stream is handed over, and ends it if that says so", async () => {
  const goOn = (response) => response.status === 503;
  const prepared = [stream("retry: 1\n\n"), refuse(503, { "retry-after": "0" }), refuse(404)];
  const seen = await followed(prepared, () => false, { goOn });
  assert.deepEqual(seen, [["open"], ["lost", 1], ["refused", 503], ["lost", 1], ["refused", 404]]);
});

test("Retry-After is kept to", async () => {
  const seen = await followed([refuse(429, { "retry-after": "30" })], (seen) => seen.length === 2);
  assert.deepEqual(seen, [["refused", 429], ["lost", 30_000]]);
});

test("a connection that is cut is tried again", async () => {
  let open;
  const left = (response) => {
    open = response.writeHead(200, { "content-type": "text/event-stream" });
    open.write("retry: 1\n\ndata: 1\n\n");
  };
  const seen = await followed([left, stream("data: 2\n\n")], (seen) => {
    if (seen.at(-1)[1] === "1") open.destroy();
    return seen.at(-1)[1] === "2";
  });
  assert.deepEqual(seen, [["open"], ["message", "1"], ["lost", 1], ["open"], ["message", "2"]]);
});

test("a mistake of the page is not taken for a lost connection", async () => {
  const headers = () => ({});
  const onEvent = () => undefined.figures;
  answers = [stream("data: 1\n\n")];
  const { signal } = new AbortController();
  await assert.rejects(follow(url, { signal, headers, onEvent, onOpen() {}, onLost() {}, onRefused() {} }), TypeError);
});

test("it ends at once when it is told to, and hands nothing on afterwards", async () => {
  const seen = await followed([stream("data: 1\n\ndata: 2\n\n")], (seen) => seen.length === 2);
  assert.deepEqual(seen, [["open"], ["message", "1"]]);
});
