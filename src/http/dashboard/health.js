// Whether the service reaches the vendors' gateways, as /readyz reports it.

import { readJson } from "./api.js";
import { delay } from "./live.js";

const POLL = 30_000;
const STATES = { answering: "answers", failing: "fails", unknown: "not asked yet" };

/** Shows the health until `signal` aborts. */
export async function showHealth({ signal }) {
  const place = document.getElementById("health");
  while (!signal.aborted) {
    const answer = document.hidden ? null : await fetch("readyz", { credentials: "omit", signal }).catch(() => null);
    const health = answer && (await readJson(answer));
    if (signal.aborted) return;
    if (health?.gateways) place.replaceChildren(...health.gateways.map(line), version(health));
    else if (!document.hidden) place.replaceChildren(line({ gateway: "storegate", state: "unreachable" }));
    await delay(POLL, signal);
  }
}

function line({ gateway, state, breaker }) {
  const made = document.createElement("span");
  made.dataset.state = { answering: "live", unknown: "idle" }[state] ?? "failed";
  made.className = "state";
  const dot = document.createElement("span");
  dot.className = "dot";
  const rest = breaker === "open" ? ", left alone for a while" : "";
  made.append(dot, ` ${gateway}: ${STATES[state] ?? state}${rest}`);
  return made;
}

function version({ version }) {
  const made = document.createElement("span");
  made.className = "quiet";
  made.textContent = `storegate ${version}`;
  return made;
}
