// “Try it out” and “Execute” on every operation of the API document, as it stands at /openapi.json.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { keep, startBrowser, visit } from "./chromium.js";
import { startDemo } from "./demo.js";
import { operations, requiredFields, success } from "./document.js";
import { block, execute, fillForm, fillIn, openDocs, signIn, toggle } from "./swagger.js";

let demo, browser;
before(async () => {
  [demo, browser] = await Promise.all([startDemo(), startBrowser()]);
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

/** The form of an operation under /oauth, with what only a client knows in the place of the document's examples. */
async function form({ requestBody }) {
  const { example } = Object.values(requestBody.content)[0];
  const { client_id, client_secret } = demo;
  const own = { client_id, client_secret, ...(example.token && { token: await demo.newToken() }) };
  return { ...example, ...own };
}

/** Fills in what the operation requires, and a form with what only a client knows. */
async function fillInAll(operation, area) {
  await fillIn(operation, area);
  if (operation.requestBody) await fillForm(area, await form(operation));
}

/** What only an eye on the answer's meaning would notice. */
const MEANING = {
  read_store_flow: ({ store_id }) => store_id === "S_123456",
  read_flow_of_stores: ({ items, errors }) => items.length === 1 && errors.length === 0,
  list_stores: ({ items, page }) => items.length === page.size && page.total >= items.length,
  read_store: ({ oms_code }) => oms_code === "SHOP001",
  read_store_demographics: ({ visitors, age }) => visitors > 0 && age.length > 0,
  read_demographics_of_stores: ({ visitors, gender }) => visitors > 0 && gender.length > 0,
  list_inspections: ({ items, page }) => items.length > 0 && page.total >= items.length,
  read_store_overview: ({ flow, demographics }) => flow.store_id === "S_123456" && demographics.visitors > 0,
  introspect_token: ({ active, client_id }) => active && client_id === demo.client_id,
  issue_token: ({ token_type, expires_in }) => token_type === "Bearer" && expires_in > 0,
};

/** What is no JSON. The document's example has a stream end by itself, which Swagger UI waits for. */
const OTHER = { "text/event-stream": /^event: flow\nid: .+\ndata: \{/m, "text/plain": /^storegate_http_requests_total\{/m };

test("every operation answers in Swagger UI as the document says", async (suite) => {
  const { page, leave } = await visit(browser, demo.base_url);
  await openDocs(page, demo.base_url);
  await signIn(page, demo.client_secret);
  const document = await demo.get("/openapi.json");
  const all = operations(document);
  assert.ok(all.length > 15);

  for (const operation of all) {
    const { operationId, method, path } = operation;
    await suite.test(`${method.toUpperCase()} ${path}`, async () => {
      const area = block(page, operation);
      await toggle(area);
      await area.locator(".btn.execute").waitFor();
      await fillInAll(operation, area);
      const expected = success(operation);
      const { status, text, response } = await execute(area);
      assert.equal(status, expected.status, text);
      await response.scrollIntoViewIfNeeded();
      if (expected.type === "application/json") {
        const body = JSON.parse(text);
        for (const field of requiredFields(document, expected.schema)) assert.ok(field in body, field);
        assert.ok(MEANING[operationId]?.(body) ?? true, text);
      } else if (expected.type) {
        assert.match(text, OTHER[expected.type] ?? /\w/);
      }
      await keep(page, `operation-${operationId}`);
      await toggle(area);
    });
  }
  await leave();
});
