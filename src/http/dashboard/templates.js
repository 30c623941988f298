// Pieces of the page from the templates in index.html. All data of the service is written as text, never as HTML.

import { ago } from "./format.js";

/** Creates a piece from the template with this id, and fills in its fields by their `data-field`. */
export function piece(id, fields = {}) {
  const made = document.getElementById(id).content.firstElementChild.cloneNode(true);
  fill(made, fields);
  return made;
}

/** Writes texts into the fields of a piece. Unchanged texts are not touched, so that nothing flickers. */
export function fill(made, fields) {
  for (const [name, value] of Object.entries(fields)) {
    const place = field(made, name);
    if (place.textContent !== value) place.textContent = value;
  }
}

/** Returns the element of one field. */
export function field(made, name) {
  return made.querySelector(`[data-field="${name}"]`);
}

/** Shows a problem document, with a link to the page about its type. */
export function problemPiece(problem) {
  const { title, detail, type, request_id, errors = [] } = problem;
  const wrong = errors.map(({ parameter, message }) => `${parameter}: ${message}.`);
  const made = piece("problem-template", {
    title,
    request: request_id ? `Request ${request_id}` : "",
  });
  field(made, "detail").append(...withCode([detail, ...wrong].filter(Boolean).join(" ")));
  // A link leads only to this service's page about the type, whatever address the page was opened with.
  const page = field(made, "type");
  const [, slug] = /\/problems\/([a-z0-9-]+)$/.exec(type ?? "") ?? [];
  if (slug) page.href = `problems/${slug}`;
  else page.remove();
  return made;
}

/** Converts a text, whose parts between backquotes are code. */
function withCode(words) {
  return words.split("`").map((part, place) => {
    if (place % 2 === 0) return part;
    const code = document.createElement("code");
    code.textContent = part;
    return code;
  });
}

/** Shows the result of `load`, or its problem; the old content stays until then. Shows nothing once `signal` is aborted. */
export async function show(place, signal, load) {
  place.setAttribute("aria-busy", "true");
  let content;
  try {
    content = await load();
  } catch (error) {
    if (signal.aborted) return;
    if (!error.problem) throw error;
    content = [problemPiece(error.problem), againButton(() => show(place, signal, load))];
  }
  if (signal.aborted) return;
  place.replaceChildren(...content);
  place.removeAttribute("aria-busy");
}

function againButton(again) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = "Try again";
  made.addEventListener("click", again);
  return made;
}

/** A line about a response that ends with its age. */
export function ageNote({ age, isOld }, words) {
  const made = document.createElement("p");
  made.className = isOld ? "note" : "hint";
  const read = `read from the gateway ${ago(age * 1_000)}`;
  made.textContent = isOld ? `${words}; the gateway fails, this was ${read}.` : `${words}; ${read}.`;
  return made;
}
