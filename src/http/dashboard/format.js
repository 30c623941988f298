// Formats figures and times. A value that the vendor's gateway did not send is null and becomes a dash, never a zero.

const NOTHING = "–";
const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const TENTHS = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const DAY = 86_400_000;

/** Any value, unchanged. */
export const text = (value) => (value === null || value === undefined || value === "" ? NOTHING : String(value));

/** 11711 → “11,711”. */
export const count = (value) => (typeof value === "number" ? WHOLE.format(value) : NOTHING);

/** 8.5 → “8.5 %”. */
export const percent = (value) => (typeof value === "number" ? `${TENTHS.format(value)} %` : NOTHING);

/** “2026-11-27T03:39:57+08:00” → “03:39:57”, by the vendor's clock, to which opening hours refer. */
export const time = (instant) => (instant ? instant.slice(11, 19) : NOTHING);

/** “2026-11-27T03:39:57+08:00” → “2026-11-27 03:39”. */
export const dateTime = (instant) => (instant ? `${instant.slice(0, 10)} ${instant.slice(11, 16)}` : NOTHING);

/** “2026-11-27T03:39:57+08:00” → “2026-11-27”. */
export const date = (instant) => (instant ? instant.slice(0, 10) : NOTHING);

/** on_site → “on site”. */
export const words = (name) => (name ? name.replaceAll("_", " ") : NOTHING);

/** An age: “12 s ago”, “3 min ago”. Clocks differ a little, so a negative age counts as zero. */
export function ago(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1_000));
  if (seconds < 2) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)} h ago` : `${Math.floor(seconds / 86_400)} days ago`;
}

/** The first day of a period that ends with this one: of “2026-11-27” and 7 days it is “2026-11-21”. */
export function firstOfDays(day, days) {
  return new Date(Date.parse(`${day}T00:00:00Z`) - (days - 1) * DAY).toISOString().slice(0, 10);
}
