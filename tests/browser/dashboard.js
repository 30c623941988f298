// What people do at the dashboard, and what they see there.

import { until } from "./demo.js";

/** Opens the dashboard by the link that the demo prints. */
export async function openByLink(page, demo, { query = "", token = demo.token } = {}) {
  await page.goto(`${demo.base_url}/${query}#token=${token}`);
  await page.locator("#board").waitFor();
}

/** Fills in the form and presses the button. */
export async function signIn(page, secret) {
  await page.getByLabel("Client secret").fill(secret);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** The card of a store. */
export function card(page, id) {
  return page.locator(`[data-store="${id}"]`);
}

/** The text of one field of a card, a row or another piece. */
export function field(piece, name) {
  return piece.locator(`[data-field="${name}"]`).innerText();
}

/** Waits until a field of a card has this text. */
export async function seeField(piece, name, expected, patience = 60_000) {
  await until(`${name} is ${expected}`, async () => (await field(piece, name)) === expected, patience);
}

/** All that the page has put where scripts of a later visit could read it, with its address. */
export function remembered(page) {
  return page.evaluate(() => JSON.stringify([location.href, { ...localStorage }, { ...sessionStorage }, document.cookie]));
}
