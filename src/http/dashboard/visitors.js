// The cards of the stores: the first ones live, the others polled.

import { get, problemOf } from "./api.js";
import { ago, count, percent, text, time } from "./format.js";
import { delay, follow } from "./live.js";
import { field, fill, piece, problemPiece } from "./templates.js";

// A browser opens six connections to a host, over all its tabs. Each stream occupies one, and some must stay free.
const LIVE_STORES = 4;
const POLL = 30_000;

/** Shows one card per store until `signal` aborts. Returns the vendor's current day, or the local one without figures. */
export function showVisitors({ session, ids, names, signal }) {
  const cards = new Map(ids.map((id) => [id, new Card(id)]));
  document.getElementById("visitors").replaceChildren(...[...cards.values()].map((card) => card.element));
  names.then((names) => cards.forEach((card) => card.showName(names.get(card.id))));

  let streams = new AbortController();
  const start = () => {
    streams = new AbortController();
    for (const id of ids.slice(0, LIVE_STORES)) followStore(session, cards.get(id), streams.signal);
    poll(session, ids.slice(LIVE_STORES), cards, streams.signal);
  };
  // A hidden tab closes its connections. When it is shown again, it continues where it was.
  const startOrStop = () => (document.hidden ? streams.abort() : start());
  const ticking = setInterval(() => cards.forEach((card) => card.tick()), 1_000);
  document.addEventListener("visibilitychange", startOrStop);
  signal.addEventListener("abort", () => {
    document.removeEventListener("visibilitychange", startOrStop);
    clearInterval(ticking);
    streams.abort();
  });
  if (!document.hidden) start();
  const here = new Date().toLocaleDateString("sv"); // the Swedish way to write a date is that of ISO 8601
  return Promise.any([...cards.values()].map((card) => card.day)).catch(() => here);
}

function followStore(session, card, signal) {
  const events = {
    flow: (flow) => card.showFlow(flow, "Live"),
    stale: () => card.showStale(),
    problem: (problem) => card.showProblem(problem),
    // The refusals differ in what helps: a new token, or another attempt.
    end: async ({ reason }) => {
      if (!reason.startsWith("token-") || (await session.renew())) return;
      const what = reason === "token-expired" ? "has expired" : "is not accepted any more";
      session.end(`Signed out: the token ${what}.`);
    },
  };
  return follow(`stores/${encodeURIComponent(card.id)}/flow/events`, {
    signal,
    lastEventId: card.lastEventId,
    headers: () => session.headers,
    // After a reconnection an error arrives at once, but figures only if they have changed. Without an event the old ones hold.
    onOpen: () => card.endProblem("Live"),
    onEvent: ({ type, data, id }) => {
      card.lastEventId = id;
      events[type]?.(JSON.parse(data));
    },
    onLost: (pause) => card.showLost(`again in ${Math.round(pause / 1_000)} s`),
    onRefused: async (response) => {
      const problem = await problemOf(response);
      if (response.status === 401) {
        if (await session.renew()) return true;
        session.refused(problem);
        return false;
      }
      card.showProblem(problem);
      return response.status === 429 || response.status >= 500;
    },
  });
}

async function poll(session, ids, cards, signal) {
  while (ids.length > 0 && !signal.aborted) {
    try {
      const { data, isOld } = await get(session, "flow", { query: { store_id: ids }, signal });
      // Results have the order of the request, and may name a store by another of its ids.
      const failed = new Map(data.errors.map((error) => [error.store_id, error.problem]));
      const flows = data.items.values();
      for (const id of ids) {
        const card = cards.get(id);
        if (failed.has(id)) card.showProblem(failed.get(id));
        else card.showFlow(flows.next().value, `Every ${POLL / 1_000} s`);
        if (isOld && !failed.has(id)) card.showStale();
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!error.problem) throw error;
      for (const id of ids) cards.get(id).showProblem(error.problem);
    }
    await delay(POLL, signal);
  }
}

/** The card of one store, and the last event of its stream. */
class Card {
  lastEventId = "";
  /** The vendor's current day, once there are figures; rejected if there are none. */
  day;
  #flow = null;
  #settle;

  constructor(id) {
    this.id = id;
    this.element = piece("store-template", { name: id });
    this.element.dataset.store = id;
    this.element.classList.add("empty");
    this.day = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
  }

  showName(name) {
    if (name) fill(this.element, { name: `${name} (${this.id})` });
  }

  showFlow(flow, state) {
    const { visitors, sales, weather } = flow;
    const isNews = this.#flow !== null && this.#flow.visitors.today !== visitors.today;
    this.#flow = flow;
    this.element.classList.remove("empty");
    this.#settle.resolve(flow.observed_at.slice(0, 10));
    fill(this.element, {
      today: count(visitors.today),
      week: count(visitors.this_week),
      month: count(visitors.this_month),
      sales: count(sales.total),
      spend: count(sales.average_spend),
      bought: percent(sales.purchase_rate_percent),
      entered: percent(flow.store_entry_rate_percent),
      fitted: percent(flow.fitting_room_rate_percent),
      weather: weather ? `${text(weather.description)} ${text(weather.temperature)}` : text(null),
    });
    this.endProblem(state);
    this.tick();
    if (isNews) this.#announce(visitors.today);
  }

  /** Shows a problem. The figures stay, since old figures with their age say more than none. */
  showProblem(problem) {
    this.#settle.reject();
    field(this.element, "problem").replaceChildren(problemPiece(problem));
    this.showState("failed", this.#flow ? "Older figures" : "No figures");
  }

  /** Shows that the vendor's gateway fails and the service serves an earlier response. */
  showStale() {
    this.endProblem("The gateway fails: older figures", "lost");
  }

  /** Shows that the connection is lost, unless a problem of the service is shown, which says more. */
  showLost(when) {
    if (this.element.dataset.state !== "failed") this.showState("lost", `Connection lost; ${when}`);
  }

  endProblem(words, kind = "live") {
    field(this.element, "problem").replaceChildren();
    this.showState(kind, words);
  }

  /** Shows the status `live`, `lost` or `failed` as a colour and as text. */
  showState(kind, words) {
    this.element.dataset.state = kind;
    fill(this.element, { state: words });
  }

  /** Shows the age of the figures every second. */
  tick() {
    if (!this.#flow) return;
    const { observed_at } = this.#flow;
    fill(this.element, { read: `Figures of ${time(observed_at)}, ${ago(Date.now() - Date.parse(observed_at))}` });
  }

  #announce(today) {
    document.getElementById("visitors-news").textContent = `${this.id}: ${count(today)} visitors today`;
    const figure = field(this.element, "today");
    figure.classList.remove("new");
    requestAnimationFrame(() => figure.classList.add("new"));
  }
}
