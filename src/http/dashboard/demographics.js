// Visitors of a period by gender and age, as bars.

import { get } from "./api.js";
import { count, date, percent, words } from "./format.js";
import { ageNote, piece, show } from "./templates.js";

/** Shows the sum of these stores since a day. */
export function showDemographics({ session, ids, from, signal }) {
  return show(document.getElementById("demographics"), signal, async () => {
    const answer = await get(session, "demographics", { query: { store_id: ids, from }, signal });
    const { period, visitors, gender, age } = answer.data;
    const stores = ids.length === 1 ? "1 store" : `${ids.length} stores`;
    const days = `${date(period.from)} to ${date(period.to)}`;
    const bars = document.createElement("div");
    bars.className = "columns";
    bars.append(
      chart("Gender", gender.map((share) => ({ ...share, label: words(share.gender) }))),
      chart("Age", age.map((share) => ({ ...share, label: ageLabel(share) }))),
    );
    return [ageNote(answer, `${count(visitors)} visitors of ${stores}, ${days}`), bars];
  });
}

function chart(title, shares) {
  const made = piece("bars-template", { title });
  // The largest bar fills the line, so that small differences are visible; the figure beside it is the share of all.
  const largest = Math.max(...shares.map((share) => share.share_percent ?? 0));
  made.querySelector("ul").append(...shares.map((share) => bar(share, largest)));
  return made;
}

function bar({ label, visitors, share_percent }, largest) {
  const made = piece("bar-template", { label, share: percent(share_percent), visitors: count(visitors) });
  // An attribute, not a style: the content policy allows no inline styles.
  if (share_percent > 0) made.querySelector(".bar").setAttribute("width", (100 * share_percent) / largest);
  return made;
}

function ageLabel({ from, to }) {
  if (from === null) return to === null ? words(null) : `up to ${to}`;
  return to === null || to >= 100 ? `${from} and older` : `${from} to ${to}`;
}
