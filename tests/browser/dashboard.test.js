// The dashboard at /: how people get in, and that it shows what the API answers.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { assertAccessible, assertFitsPhone, keep, PHONE, startBrowser, visit } from "./chromium.js";
import { card, field, openByLink, remembered, seeField, signIn } from "./dashboard.js";
import { startDemo, until } from "./demo.js";

const STORES = "?store_id=S_123456&store_id=S_100001";

let demo, browser;
before(async () => {
  [demo, browser] = await Promise.all([startDemo(), startBrowser()]);
});
beforeEach(() => demo.setFlow({}));
after(async () => {
  await browser?.close();
  await demo?.stop();
});

test("the link of the demo signs in, and its token is left nowhere", async () => {
  const { page, requests, leave } = await visit(browser, demo.base_url);
  await openByLink(page, demo, { query: STORES });
  await seeField(card(page, "S_123456"), "today", "1,234");
  assert.equal(page.url(), `${demo.base_url}/${STORES}`);
  const traces = await remembered(page);
  assert.ok(!traces.includes(demo.token.slice(0, 20)), traces);
  assert.ok(requests.every((request) => !request.url().includes(demo.token)));
  await page.goBack();
  assert.ok(!page.url().includes("token"), "nor in the history");
  await leave();
});

test("a wrong secret is told; the right one signs in, by keyboard alone", async () => {
  const { page, leave } = await visit(browser, demo.base_url, { failures: [401] });
  await page.goto(`${demo.base_url}/`);
  assert.equal(await page.getByLabel("Client id").inputValue(), "demo");
  await keep(page, "dashboard-sign-in");
  await page.keyboard.type("sgs_wrong");
  await page.keyboard.press("Enter");
  const alert = page.getByRole("alert").filter({ visible: true });
  await alert.waitFor();
  assert.equal(await alert.innerText(), "The client id or the client secret is wrong.");
  await keep(page, "dashboard-wrong-secret");
  await page.keyboard.type(demo.client_secret);
  await page.keyboard.press("Enter");
  await seeField(card(page, "S_123456"), "today", "1,234");
  const traces = await remembered(page);
  assert.ok(!traces.includes(demo.client_secret) && !traces.includes("eyJ"), traces);
  await leave();
});

test("figures are those of the API, and what the gateway does not give is a dash", async () => {
  const { page, leave } = await visit(browser, demo.base_url);
  await openByLink(page, demo, { query: STORES });
  const store = card(page, "S_123456");
  const expected = {
    today: "1,234",
    week: "5,678",
    month: "91,011",
    sales: "1,213",
    spend: "14",
    bought: "15.1 %",
    entered: "16.2 %",
    fitted: "–",
    weather: "–",
  };
  for (const [name, text] of Object.entries(expected)) await seeField(store, name, text);
  const { observed_at } = await demo.get("/stores/S_123456/flow");
  assert.match(await field(store, "read"), new RegExp(`^Figures of ${observed_at.slice(11, 14)}.*(just now|ago)$`));
  await leave();
});

test("the bars are those of the API, for the period that is chosen", async () => {
  const { page, leave } = await visit(browser, demo.base_url);
  await openByLink(page, demo, { query: STORES });
  const stores = STORES.slice(1);
  for (const days of [7, 30]) {
    await page.getByLabel("Period").selectOption(String(days));
    const asked = async () => {
      const { observed_at } = await demo.get("/stores/S_123456/flow");
      const first = new Date(Date.parse(observed_at.slice(0, 10)) - (days - 1) * 86_400_000).toISOString().slice(0, 10);
      const { gender, age } = await demo.get(`/demographics?${stores}&from=${first}`);
      return [...gender, ...age].map((share) => [share.visitors.toLocaleString("en"), `${share.share_percent.toFixed(1)} %`]);
    };
    const shown = async () => {
      const rows = await page.locator(".bars li").all();
      return Promise.all(rows.map(async (row) => [await field(row, "visitors"), await field(row, "share")]));
    };
    // Today's figures grow between two looks.
    await until(`the bars of ${days} days`, async () => JSON.stringify(await shown()) === JSON.stringify(await asked()));
  }
  assert.match(page.url(), /days=30$/);
  const widths = await page.locator(".bars .bar").evaluateAll((bars) => bars.map((bar) => Number(bar.getAttribute("width"))));
  assert.ok(widths.includes(100) && widths.every((width) => width > 0 && width <= 100), String(widths));
  await leave();
});

test("inspections are those of the API, page by page, and the keyboard stays on the button", async () => {
  const { page, leave } = await visit(browser, demo.base_url);
  await openByLink(page, demo, { query: `${STORES}&days=90` });
  const table = page.locator("#inspections");
  for (const number of [1, 2]) {
    await until(`page ${number}`, async () => (await field(table, "page").catch(() => "")).startsWith(`Page ${number} of`));
    const note = await table.locator(".hint").innerText();
    const [, from] = /since ([0-9-]+),/.exec(note);
    const { items } = await demo.get(`/inspections?from=${from}&page=${number}&page_size=10`);
    const shown = await table.locator("tbody tr").evaluateAll((rows) =>
      rows.map((row) => [1, 3, 5].map((cell) => row.cells[cell].textContent)),
    );
    assert.deepEqual(shown, items.map(({ store, inspector, score }) => [store.name, inspector.name, String(score)]));
    if (number === 1) await table.getByRole("button", { name: "Older" }).press("Enter");
  }
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Older");
  await leave();
});

test("the address keeps what was chosen; a page that is loaded again asks for the secret", async () => {
  const { page, leave } = await visit(browser, demo.base_url);
  await openByLink(page, demo);
  await page.getByLabel("Stores").fill("S_100002, no! S_100003");
  await page.getByRole("button", { name: "Show" }).click();
  assert.match(await page.getByLabel("Stores").evaluate((input) => input.validationMessage), /unlike no!/);
  await page.getByLabel("Stores").fill("S_100002, S_100003");
  await page.getByRole("button", { name: "Show" }).click();
  await seeField(card(page, "S_100003"), "today", "1,234");
  assert.equal(new URL(page.url()).search, "?store_id=S_100002&store_id=S_100003");
  await page.reload();
  await signIn(page, demo.client_secret);
  await seeField(card(page, "S_100003"), "today", "1,234");
  assert.equal(await page.locator("[data-store]").count(), 2);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Client secret").waitFor();
  assert.equal(await page.locator("#board").isVisible(), false);
  await leave();
});

for (const [name, options] of Object.entries({
  desktop: {},
  dark: { colorScheme: "dark" },
  phone: { viewport: PHONE, isMobile: true, hasTouch: true },
  "phone-dark": { viewport: PHONE, isMobile: true, hasTouch: true, colorScheme: "dark" },
})) {
  test(`it can be read: ${name}`, async () => {
    const { page, leave } = await visit(browser, demo.base_url, options);
    await page.goto(`${demo.base_url}/`);
    await assertAccessible(page);
    if (options.isMobile) await assertFitsPhone(page);
    await openByLink(page, demo, { query: "?store_id=S_123456&store_id=S_100001&store_id=S_100002&store_id=S_100006" });
    await seeField(card(page, "S_100006"), "today", "1,234");
    await page.locator("#inspections table").waitFor();
    await page.locator("#demographics .bars").first().waitFor();
    await page.locator("#health .state").first().waitFor();
    await keep(page, `dashboard-${name}`, { fullPage: true });
    await assertAccessible(page);
    if (options.isMobile) await assertFitsPhone(page);
    await leave();
  });
}
