// The selection, stored in the address, so that a bookmark or a link shows the same: ?store_id=A&store_id=B&days=7.

const PERIODS = [1, 7, 30, 90];
const DEFAULT_DAYS = 7;
const MOST_STORES = 24;
const STORE_ID = /^[A-Za-z0-9_.-]{1,32}$/;

/** Reads the stores and the period from the address; `ids` is empty if it names none. */
export function readSettings() {
  const query = new URLSearchParams(location.search);
  const days = Number(query.get("days"));
  const ids = query.getAll("store_id").filter((id) => STORE_ID.test(id));
  return { ids: [...new Set(ids)].slice(0, MOST_STORES), days: PERIODS.includes(days) ? days : DEFAULT_DAYS };
}

/** Writes the selection into the address. */
export function writeSettings({ ids, days }) {
  const query = new URLSearchParams(ids.map((id) => ["store_id", id]));
  if (days !== DEFAULT_DAYS) query.set("days", days);
  history.replaceState(null, "", `?${query}`);
}

/** Parses the typed ids: `{ ids, complaint }`, where an empty complaint means none. */
export function readIds(typed) {
  const ids = [...new Set(typed.split(/[\s,;]+/).filter(Boolean))];
  const wrong = ids.filter((id) => !STORE_ID.test(id));
  let complaint = "";
  if (ids.length === 0) complaint = "Name at least one store.";
  if (ids.length > MOST_STORES) complaint = `At most ${MOST_STORES} stores fit here.`;
  if (wrong.length > 0) complaint = `An id has 1 to 32 letters, digits, _, - or . – unlike ${wrong.join(" and ")}.`;
  return { ids, complaint };
}
