// The dashboard while things happen: figures that change, gateways that fail, tokens that end.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { assertAccessible, keep, startBrowser, visit } from "./chromium.js";
import { card, field, openByLink, seeField, signIn } from "./dashboard.js";
import { startDemo, until } from "./demo.js";

const STORE = "S_123456";
const QUERY = `?store_id=${STORE}`;

let demo, browser;
before(async () => {
  [demo, browser] = await Promise.all([startDemo(), startBrowser()]);
});
beforeEach(() => demo.setFlow({}));
after(async () => {
  await browser?.close();
  await demo?.stop();
});

const paths = (requests) => requests.map((request) => new URL(request.url()).pathname);

test("a figure that changes at the gateway appears by itself, on one connection", async () => {
  const { page, requests, leave } = await visit(browser, demo.base_url);
  await openByLink(page, demo, { query: QUERY });
  const store = card(page, STORE);
  await seeField(store, "today", "1,234");
  assert.equal(await field(store, "state"), "Live");
  for (const [DAY_FLOW, shown] of [[1235, "1,235"], [2001, "2,001"]]) {
    await demo.setFlow({ DAY_FLOW });
    await seeField(store, "today", shown);
    assert.equal(await page.locator("#visitors-news").textContent(), `${STORE}: ${shown} visitors today`);
  }
  assert.equal(paths(requests).filter((path) => path.endsWith("/flow/events")).length, 1);
  assert.ok(!paths(requests).includes("/flow"), "nothing was polled");
  await leave();
});

test("stores beyond the fourth are asked now and then, since a browser has six connections", async () => {
  const { page, requests, leave } = await visit(browser, demo.base_url);
  const ids = [1, 2, 3, 4, 5, 6].map((number) => `S_10000${number}`);
  await openByLink(page, demo, { query: `?${ids.map((id) => `store_id=${id}`).join("&")}` });
  for (const id of ids) await seeField(card(page, id), "today", "1,234");
  assert.equal(await field(card(page, ids[3]), "state"), "Live");
  assert.equal(await field(card(page, ids[4]), "state"), "Every 30 s");
  const polled = requests.find((request) => new URL(request.url()).pathname === "/flow");
  assert.deepEqual(new URL(polled.url()).searchParams.getAll("store_id"), ids.slice(4));
  assert.equal(paths(requests).filter((path) => path.endsWith("/flow/events")).length, 4);
  await leave();
});

test("a gateway that fails is told with a way out, the older figures stay, and it heals by itself", async () => {
  const { page, leave } = await visit(browser, demo.base_url, { failures: [502, 503] });
  await openByLink(page, demo, { query: QUERY });
  const store = card(page, STORE);
  await seeField(store, "today", "1,234");
  await page.locator("#demographics .bars").first().waitFor();
  await demo.sandbox("DELETE", "faults");
  await demo.sandbox("POST", "faults", { fault: "code", code: "-500", gateway: "opretail", percent: 100 });
  await demo.purge();

  const problem = store.locator(".problem");
  await problem.waitFor();
  assert.equal(await field(store, "today"), "1,234");
  assert.equal(await field(store, "state"), "Older figures");
  assert.match(await field(problem, "detail"), /opretail/);
  const [help] = await Promise.all([page.waitForEvent("popup"), problem.getByRole("link", { name: "What to do" }).click()]);
  assert.match(await help.locator("h2").last().innerText(), /What to do/);
  await help.close();
  await keep(page, "dashboard-gateway-fails");
  // Who comes now finds nothing; each part says so, and can be asked again.
  await page.getByLabel("Period").selectOption("30");
  const again = page.locator("#demographics").getByRole("button", { name: "Try again" });
  await again.waitFor();
  await seeField(store, "state", "No figures");
  await keep(page, "dashboard-nothing", { fullPage: true });
  await assertAccessible(page);

  await demo.setFlow({ DAY_FLOW: 4321 });
  // The service asks anew when it would have asked anyway, and leaves a gateway alone for a while that fails often.
  await seeField(store, "today", "4,321", 180_000);
  assert.equal(await field(store, "state"), "Live");
  assert.equal(await problem.count(), 0);
  await again.click();
  await page.locator("#demographics .bars").first().waitFor();
  await leave();
});

test("figures that the service goes on with while the gateway fails say so", async () => {
  const { page, leave } = await visit(browser, demo.base_url);
  const flow = await demo.get(`/stores/${STORE}/flow`);
  // A stream whose events come when the test says so: the service takes its time until older figures are too old.
  await page.addInitScript(() => {
    const real = globalThis.fetch;
    globalThis.fetch = (url, options) => {
      if (!String(url).endsWith("/flow/events")) return real(url, options);
      const body = new ReadableStream({ start: (stream) => (globalThis.stream = stream) });
      return Promise.resolve(new Response(body, { headers: { "content-type": "text/event-stream" } }));
    };
  });
  const send = (type, data) =>
    page.evaluate(
      (event) => globalThis.stream.enqueue(new TextEncoder().encode(event)),
      `event: ${type}\nid: 1\ndata: ${JSON.stringify(data)}\n\n`,
    );
  await openByLink(page, demo, { query: QUERY });
  await page.waitForFunction(() => globalThis.stream);
  const store = card(page, STORE);
  await send("flow", { ...flow, observed_at: new Date(Date.now() - 95_000).toISOString() });
  await seeField(store, "state", "Live");
  await send("stale", { age_seconds: 95 });
  await seeField(store, "state", "The gateway fails: older figures");
  assert.equal(await field(store, "today"), "1,234");
  assert.match(await field(store, "read"), /1 min ago$/);
  await keep(page, "dashboard-stale");
  await send("flow", flow);
  await seeField(store, "state", "Live");
  await leave();
});

test("an unknown store says so in its place, and the others are shown", async () => {
  const { page, leave } = await visit(browser, demo.base_url, { failures: [404] });
  await openByLink(page, demo, { query: `${QUERY}&store_id=SHOP002` });
  const unknown = card(page, "SHOP002");
  await unknown.locator(".problem").waitFor();
  assert.match(await unknown.innerText(), /SHOP002 has no OPRetail number/);
  await seeField(card(page, STORE), "today", "1,234");
  await page.locator("#demographics .problem").waitFor();
  await keep(page, "dashboard-unknown-store", { fullPage: true });
  await leave();
});

test("a token that is revoked leads back to the form, which says why", async () => {
  const { page, leave } = await visit(browser, demo.base_url, { failures: [401] });
  const token = await demo.newToken();
  await openByLink(page, demo, { query: QUERY, token });
  await seeField(card(page, STORE), "today", "1,234");
  const { client_id, client_secret } = demo;
  const body = new URLSearchParams({ token, client_id, client_secret });
  assert.equal((await fetch(`${demo.base_url}/oauth/revoke`, { method: "POST", body })).status, 200);
  await page.locator("#sign-in-reason").waitFor();
  assert.match(await page.locator("#sign-in-reason").innerText(), /^Signed out: .*token/i);
  await keep(page, "dashboard-signed-out");
  await signIn(page, client_secret);
  await seeField(card(page, STORE), "today", "1,234");
  await leave();
});

test("a revoked token is renewed without a word for those who gave their secret", async () => {
  const { page, requests, leave } = await visit(browser, demo.base_url, { failures: [401] });
  const [answer] = await Promise.all([
    page.waitForResponse("**/oauth/token"),
    page.goto(`${demo.base_url}/${QUERY}`).then(() => signIn(page, demo.client_secret)),
  ]);
  const { access_token: token } = await answer.json();
  await seeField(card(page, STORE), "today", "1,234");
  const { client_id, client_secret } = demo;
  const body = new URLSearchParams({ token, client_id, client_secret });
  await fetch(`${demo.base_url}/oauth/revoke`, { method: "POST", body });
  await page.getByLabel("Period").selectOption("30");
  await until("a second token", () => paths(requests).filter((path) => path === "/oauth/token").length >= 2);
  await page.locator("#demographics .hint").waitFor();
  assert.equal(await page.locator("#sign-in").isVisible(), false);
  await demo.setFlow({ DAY_FLOW: 77 });
  await seeField(card(page, STORE), "today", "77");
  await leave();
});

test("a hidden page gives its connections back, and goes on when it is seen again", async () => {
  const { page, requests, leave } = await visit(browser, demo.base_url);
  await openByLink(page, demo, { query: QUERY });
  const store = card(page, STORE);
  await seeField(store, "today", "1,234");
  const hide = (hidden) =>
    page.evaluate((hidden) => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  const ended = page.waitForEvent("requestfailed", (request) => request.url().endsWith("/flow/events"));
  await hide(true);
  await ended;
  await demo.setFlow({ DAY_FLOW: 5555 });
  await hide(false);
  await seeField(store, "today", "5,555");
  const again = requests.filter((request) => request.url().endsWith("/flow/events"))[1];
  assert.ok((await again.allHeaders())["last-event-id"], "it says where it was left");
  await leave();
});
