// Calls to the service: JSON with a bearer token. Every failure is a problem document (RFC 9457) that can be shown.

/** Problems for failures without a problem document, in the same form. */
export const TROUBLE = {
  unreachable: {
    title: "The service cannot be reached",
    detail: "The connection failed. Check that the service runs; the page tries again.",
  },
  unreadable: { title: "The answer cannot be read", detail: "Something other than the service answered." },
};

/** A failure with the problem document that describes it. */
export class ProblemError extends Error {
  constructor(problem) {
    super(problem.title);
    this.problem = problem;
  }
}

/** Returns the body, or null if it is not JSON. */
export async function readJson(answer) {
  return answer.json().catch(() => null);
}

/** Builds the problem document of an unexpected response. */
export async function problemOf(answer) {
  const content = await readJson(answer);
  return content?.title ? content : { ...TROUBLE.unreadable, status: answer.status };
}

/**
 * Reads a path, relative to the page, and returns `{ data, age, isOld }`. `age` is the age in seconds of the vendor's data. `isOld` says that
 * the vendor's gateway fails and an earlier response is served. `query` may have lists. Throws a ProblemError.
 */
export async function get(session, path, { query = {}, signal } = {}) {
  const pairs = Object.entries(query).flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
  const url = pairs.length > 0 ? `${path}?${new URLSearchParams(pairs)}` : path;
  let answer = await request(url, session, signal);
  if (answer.status === 401 && (await session.renew())) answer = await request(url, session, signal);
  if (!answer.ok) {
    const problem = await problemOf(answer);
    if (answer.status === 401) session.refused(problem);
    throw new ProblemError(problem);
  }
  const data = await readJson(answer);
  if (data === null) throw new ProblemError(TROUBLE.unreadable);
  const isOld = /\bdetail=stale-if-error\b/.test(answer.headers.get("cache-status") ?? "");
  return { data, age: Number(answer.headers.get("age") ?? 0), isOld };
}

async function request(url, session, signal) {
  try {
    return await fetch(url, { headers: session.headers, credentials: "omit", signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ProblemError(TROUBLE.unreachable);
  }
}
