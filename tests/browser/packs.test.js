// “Try it out” on the operations of packs: those of the demo with a pack's sandbox, beside the program's own.

import assert from "node:assert/strict";
import { test } from "node:test";
import { keep, startBrowser, visit } from "./chromium.js";
import { startDemo } from "./demo.js";
import { operations, success } from "./document.js";
import { block, execute, fillIn, openDocs, signIn, toggle } from "./swagger.js";

/** Packs that differ in what they send: a login, lists in pages, signatures in headers and in the body. */
const PACKS = ["wdt", "youzan", "artemis", "pinduoduo"];

for (const pack of PACKS) {
  test(`the operations of ${pack} answer in Swagger UI`, async (suite) => {
    const [demo, browser] = await Promise.all([startDemo("--vendor", pack), startBrowser()]);
    suite.after(async () => {
      await browser.close();
      await demo.stop();
    });
    const { page, leave } = await visit(browser, demo.base_url);
    await openDocs(page, demo.base_url);
    await signIn(page, demo.client_secret);
    const document = await demo.get("/openapi.json");
    const own = operations(document).filter((operation) => operation["x-gateway-method"]?.gateway === pack);
    assert.ok(own.length >= 2, `${own.length} operations`);
    for (const operation of own) {
      const area = block(page, operation);
      await toggle(area);
      await area.locator(".btn.execute").waitFor();
      await fillIn(operation, area);
      const { status, text, response } = await execute(area);
      assert.equal(status, success(operation).status, text);
      await response.scrollIntoViewIfNeeded();
      assert.ok(Object.keys(JSON.parse(text)).length > 0, text);
      await keep(page, `pack-${pack}-${operation.operationId}`);
      await toggle(area);
    }
    await leave();
  });
}
