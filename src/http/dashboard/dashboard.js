// The dashboard: signs people in, reads what they select, and shows it. Each part of the page has a module of its own.

import { get } from "./api.js";
import { showDemographics } from "./demographics.js";
import { firstOfDays } from "./format.js";
import { showHealth } from "./health.js";
import { showInspections } from "./inspections.js";
import { Session } from "./session.js";
import { readIds, readSettings, writeSettings } from "./settings.js";
import { showVisitors } from "./visitors.js";

// Stores of the sandbox, for a service whose list of stores has none with a visitor counter.
const SANDBOX_STORES = ["S_123456", "S_100001", "S_100002", "S_100003"];
const LIST_PATIENCE = 5_000;

const byId = (id) => document.getElementById(id);
const session = new Session();
// A promise of the stores' names by id.
let names;
// Aborted when other stores are selected, or when people sign out.
let shown = new AbortController();

session.addEventListener("start", open);
session.addEventListener("end", ({ detail }) => close(detail));
byId("sign-in").addEventListener("submit", signIn);
byId("sign-out").addEventListener("click", () => session.end());
byId("choice").addEventListener("submit", choose);
byId("days").addEventListener("change", () => byId("choice").requestSubmit());
byId("store-ids").addEventListener("input", ({ target }) => target.setCustomValidity(""));
// Pasting a link into the open page changes only its fragment.
addEventListener("hashchange", () => session.startFromAddress());

if (!session.startFromAddress()) close("");

async function signIn(event) {
  event.preventDefault();
  const { id, secret } = event.target.elements;
  const [error, button] = [byId("sign-in-error"), event.target.querySelector("button")];
  error.hidden = true;
  button.disabled = true;
  try {
    await session.signIn(id.value.trim(), secret.value.trim());
    secret.value = "";
  } catch (failure) {
    error.textContent = failure.message;
    error.hidden = false;
    secret.select();
  } finally {
    button.disabled = false;
  }
}

/** Shows the board, since there is a token. */
async function open() {
  const { ids, days } = readSettings();
  const stores = countedStores();
  names = stores.then((stores) => new Map(stores.map(({ id, name }) => [id, name])));
  const chosen = ids.length > 0 ? ids : await suggested(stores);
  if (!session.isOpen) return;
  turn({ isOpen: true });
  showAll({ ids: chosen, days });
}

async function suggested(stores) {
  const ids = (await stores).slice(0, SANDBOX_STORES.length).map(({ id }) => id);
  return ids.length > 0 ? ids : SANDBOX_STORES;
}

/** Shows the form and the reason, since there is no token. */
function close(reason) {
  shown.abort();
  turn({ isOpen: false });
  byId("sign-in-reason").textContent = reason;
  byId("sign-in-reason").hidden = reason === "";
  byId("client-secret").focus();
}

function turn({ isOpen }) {
  byId("sign-in").hidden = isOpen;
  byId("sign-out").hidden = !isOpen;
  byId("board").hidden = !isOpen;
}

/** Returns the stores with a visitor counter. If they cannot be listed soon, there are no names, and ids must be typed. */
async function countedStores() {
  try {
    const { data } = await get(session, "stores", { query: { page_size: 1000 }, signal: AbortSignal.timeout(LIST_PATIENCE) });
    return data.items.filter((store) => store.opretail_id !== null && store.id !== null);
  } catch (error) {
    if (!error.problem) throw error;
    return [];
  }
}

function choose(event) {
  event.preventDefault();
  const { stores, days } = event.target.elements;
  const { ids, complaint } = readIds(stores.value);
  stores.setCustomValidity(complaint);
  if (complaint) stores.reportValidity();
  else showAll({ ids, days: Number(days.value) });
}

/** Visitors come first: their figures state the vendor's current day, on which the periods are based. */
async function showAll({ ids, days }) {
  writeSettings({ ids, days });
  byId("store-ids").value = ids.join(" ");
  byId("days").value = days;
  shown.abort();
  shown = new AbortController();
  const { signal } = shown;
  showHealth({ signal });
  const today = await showVisitors({ session, ids, names, signal });
  if (signal.aborted) return;
  const from = firstOfDays(today, days);
  showDemographics({ session, ids, from, signal });
  showInspections({ session, from, signal });
}
