// Swagger UI at /docs/: it comes from this host alone, people get in with a client's secret and learn why when it is wrong.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertFitsPhone, keep, PHONE, startBrowser, visit } from "./chromium.js";
import { startDemo } from "./demo.js";
import { operations } from "./document.js";
import { authorize, block, execute, fill, openDocs, signIn, toggle } from "./swagger.js";

const FLOW = { tag: "Flow", operationId: "read_store_flow" };

let demo, browser;
before(async () => {
  [demo, browser] = await Promise.all([startDemo(), startBrowser()]);
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

test("the page opens without a request to another host, a violation or a complaint", async () => {
  const { page, requests, leave } = await visit(browser, demo.base_url);
  await openDocs(page, demo.base_url);
  const document = await demo.get("/openapi.json");
  const operations = Object.values(document.paths).flatMap((path) => Object.keys(path)).length;
  assert.equal(await page.locator(".opblock").count(), operations);
  assert.ok(requests.length > 5, "the watch sees the page's own requests");
  await keep(page, "docs-desktop");
  await leave();
});

test("people authorize with the client's secret; its id is there already", async () => {
  const { page, leave } = await visit(browser, demo.base_url);
  await openDocs(page, demo.base_url);
  await page.locator(".scheme-container").getByRole("button", { name: "Authorize" }).click();
  assert.equal(await page.getByLabel("client_id:").inputValue(), demo.client_id);
  await keep(page, "docs-authorize");
  await page.locator(".modal-ux .close-modal").click();
  await signIn(page, demo.client_secret);
  const flow = block(page, FLOW);
  await toggle(flow);
  const { status, text } = await execute(flow);
  assert.equal(status, 200);
  assert.equal(JSON.parse(text).store_id, "S_123456");
  await leave();
});

test("a wrong secret is told in the dialogue", async () => {
  const { page, leave } = await visit(browser, demo.base_url, { failures: [401] });
  await openDocs(page, demo.base_url);
  const dialogue = await authorize(page, "sgs_not-the-secret");
  const errors = dialogue.locator(".errors");
  await errors.waitFor();
  assert.match(await errors.innerText(), /The client id or the client secret is wrong/);
  await errors.scrollIntoViewIfNeeded();
  await keep(page, "docs-wrong-secret");
  await leave();
});

test("without a token the answer is the problem document with 401", async () => {
  const { page, leave } = await visit(browser, demo.base_url, { failures: [401] });
  await openDocs(page, demo.base_url);
  const flow = block(page, FLOW);
  await toggle(flow);
  const { status, text } = await execute(flow);
  assert.equal(status, 401);
  assert.equal(JSON.parse(text).status, 401);
  assert.match(JSON.parse(text).type, /\/problems\/[a-z-]+$/);
  await leave();
});

test("a wrong parameter shows the problem document with 400, which names it", async () => {
  const { page, leave } = await visit(browser, demo.base_url, { failures: [400] });
  await openDocs(page, demo.base_url);
  await signIn(page, demo.client_secret);
  const demographics = block(page, { tag: "Demographics", operationId: "read_store_demographics" });
  await toggle(demographics);
  // In the form that the document asks for, so that the page sends it.
  await fill(demographics, "from", "2026-02-30");
  const { status, text, response } = await execute(demographics);
  assert.equal(status, 400);
  assert.deepEqual(JSON.parse(text).errors.map((error) => error.parameter), ["from"]);
  await response.scrollIntoViewIfNeeded();
  await keep(page, "docs-wrong-parameter");
  await leave();
});

test("an address with an operation in it opens that operation", async () => {
  const { page, leave } = await visit(browser, demo.base_url);
  await openDocs(page, demo.base_url, "#/Inspections/list_inspections");
  const inspections = block(page, { tag: "Inspections", operationId: "list_inspections" });
  await inspections.locator(".execute").waitFor();
  assert.equal(await page.locator(".opblock.is-open").count(), 1);
  await toggle(block(page, FLOW));
  await page.waitForURL("**/docs/#/Flow/read_store_flow");
  await leave();
});

// What Swagger UI draws itself, such as its marks of versions and of schemas, is as small as it is; the links in the
// summaries lie on larger buttons.
const SMALL_PRINT = { ignore: ".info .title small, .models, .opblock-summary-path", smallest: 11 };
const HANDHELD = { viewport: PHONE, isMobile: true, hasTouch: true };

test("it can be read and used on a phone", async () => {
  const { page, leave } = await visit(browser, demo.base_url, HANDHELD);
  await openDocs(page, demo.base_url);
  await keep(page, "docs-phone");
  await assertFitsPhone(page, SMALL_PRINT);
  await page.locator(".scheme-container").getByRole("button", { name: "Authorize" }).click();
  await keep(page, "docs-phone-authorize");
  await page.locator(".modal-ux .close-modal").click();
  await signIn(page, demo.client_secret);
  const flow = block(page, FLOW);
  await toggle(flow);
  const { status, response } = await execute(flow);
  assert.equal(status, 200);
  await response.scrollIntoViewIfNeeded();
  await keep(page, "docs-phone-response");
  await assertFitsPhone(page, SMALL_PRINT);
  await flow.locator(".btn.execute").scrollIntoViewIfNeeded();
  await keep(page, "docs-phone-operation");
  await leave();
});

test("every operation fits a phone", async () => {
  const { page, leave } = await visit(browser, demo.base_url, HANDHELD);
  await openDocs(page, demo.base_url);
  for (const operation of operations(await demo.get("/openapi.json"))) {
    const area = block(page, operation);
    await toggle(area);
    await area.locator(".btn.execute").waitFor();
    await assertFitsPhone(page, SMALL_PRINT).catch((error) => {
      throw new Error(`${operation.operationId}: ${error.message}`);
    });
    await toggle(area);
  }
  await leave();
});
