// Pieces of the page from the templates in index.html. All that comes from the service is written as text, never as HTML.

import { ago } from "./format.js";

/** A new piece of the template with this id, and its fields filled in by their `data-field`. */
export function piece(id, fields = {}) {
  const made = document.getElementById(id).content.firstElementChild.cloneNode(true);
  fill(made, fields);
  return made;
}

/** Writes texts into the fields of a piece. What stands there already is not touched, so that nothing flickers. */
export function fill(made, fields) {
  for (const [name, value] of Object.entries(fields)) {
    const place = field(made, name);
    if (place.textContent !== value) place.textContent = value;
  }
}

/** The element of one field. */
export function field(made, name) {
  return made.querySelector(`[data-field="${name}"]`);
}

/** A problem document, with a link to the page about its type. */
export function problemPiece(problem) {
  const { title, detail, type, request_id, errors = [] } = problem;
  const wrong = errors.map(({ parameter, message }) => `${parameter}: ${message}.`);
  const made = piece("problem-template", {
    title,
    request: request_id ? `Request ${request_id}` : "",
  });
  field(made, "detail").append(...withCode([detail, ...wrong].filter(Boolean).join(" ")));
  // The page of this service about that type, by whichever address it was opened; anything else is no link.
  const page = field(made, "type");
  const [, slug] = /\/problems\/([a-z0-9-]+)$/.exec(type ?? "") ?? [];
  if (slug) page.href = `problems/${slug}`;
  else page.remove();
  return made;
}

/** A text whose parts between backquotes are code. */
function withCode(words) {
  return words.split("`").map((part, place) => {
    if (place % 2 === 0) return part;
    const code = document.createElement("code");
    code.textContent = part;
    return code;
  });
}

/** Shows what `load` gives, or its problem; what is there stays until then. Nothing is shown once `signal` has ended. */
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

/** A line about an answer that ends with how old it is. */
export function ageNote({ age, isOld }, words) {
  const made = document.createElement("p");
  made.className = isOld ? "note" : "hint";
  const read = `read from the gateway ${ago(age * 1_000)}`;
  made.textContent = isOld ? `${words}; the gateway fails, this was ${read}.` : `${words}; ${read}.`;
  return made;
}
