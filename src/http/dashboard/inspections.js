// Recent inspections, a page at a time.

import { get } from "./api.js";
import { count, dateTime, text, words } from "./format.js";
import { ageNote, piece, show } from "./templates.js";

const PAGE_SIZE = 10;

/** Shows the inspections of all stores since a day, the newest first. */
export function showInspections({ session, from, signal }) {
  const place = document.getElementById("inspections");
  const turnTo = async (page, step) => {
    await show(place, signal, async () => {
      const answer = await get(session, "inspections", { query: { from, page, page_size: PAGE_SIZE }, signal });
      const note = ageNote(answer, `${count(answer.data.page.total)} inspections since ${from}, the newest first`);
      return [note, table(answer.data, (by) => turnTo(page + by, by))];
    });
    // The focus of the keyboard stays on the same button, or moves to the other one at the end.
    if (step && document.activeElement === document.body) {
      (place.querySelector(`[data-step="${step}"]:enabled`) ?? place.querySelector("[data-step]:enabled"))?.focus();
    }
  };
  return turnTo(1);
}

function table({ items, page }, turnBy) {
  const of = page.pages === null ? "" : ` of ${Math.max(page.pages, 1)}`;
  const made = piece("inspections-template", { page: `Page ${page.number}${of}` });
  made.querySelector("tbody").append(...items.map(row));
  const isLast = page.pages === null ? items.length < page.size : page.number >= page.pages;
  for (const button of made.querySelectorAll("[data-step]")) {
    const step = Number(button.dataset.step);
    button.disabled = step < 0 ? page.number <= 1 : isLast;
    button.addEventListener("click", () => turnBy(step));
  }
  return made;
}

function row({ created_at, store, source_type, inspector, status, score, deadline }) {
  return piece("inspection-template", {
    when: dateTime(created_at),
    store: text(store?.name ?? store?.id),
    kind: words(source_type?.name),
    inspector: text(inspector?.name),
    status: text(status),
    score: count(score),
    deadline: dateTime(deadline),
  });
}
