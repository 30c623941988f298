// The pages that problem documents point to.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, assertFitsPhone, DESKTOP, keep, PHONE, startBrowser, visit } from "./chromium.js";
import { startDemo } from "./demo.js";

let demo, browser;
before(async () => {
  [demo, browser] = await Promise.all([startDemo(), startBrowser()]);
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

for (const [device, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
  test(`every problem has a page that can be read, by its link in the list, on a ${device}`, async () => {
    const options = viewport === PHONE ? { viewport, isMobile: true, hasTouch: true } : { viewport };
    const { page, leave } = await visit(browser, demo.base_url, options);
    await page.goto(`${demo.base_url}/problems`);
    await keep(page, `problems-${device}`, { fullPage: true });
    await assertAccessible(page);
    if (viewport === PHONE) await assertFitsPhone(page);
    const slugs = await page.locator("td a").allInnerTexts();
    assert.ok(slugs.length > 10);
    for (const slug of slugs) {
      await page.getByRole("link", { name: slug, exact: true }).click();
      await page.waitForURL(`**/problems/${slug}`);
      for (const title of ["What it means", "What to do"]) {
        assert.match(await page.locator(`h2:has-text("${title}") + p`).innerText(), /\w{3}/);
      }
      assert.equal(await page.title(), await page.locator("h1").innerText());
      if (viewport === PHONE) await assertFitsPhone(page);
      if (slug === slugs[0]) {
        await keep(page, `problem-${device}`);
        await assertAccessible(page);
      }
      await page.getByRole("link", { name: "Problems" }).click();
      await page.waitForURL("**/problems");
    }
    await leave();
  });
}

test("the type of a problem document opens its page", async () => {
  const { page, leave } = await visit(browser, demo.base_url);
  const problem = await (await fetch(`${demo.base_url}/stores`)).json();
  await page.goto(new URL(problem.type, demo.base_url).href);
  assert.equal(await page.locator("h1").innerText(), problem.title);
  await leave();
});

test("the list and the pages can be read in the dark", async () => {
  const { page, leave } = await visit(browser, demo.base_url, { colorScheme: "dark" });
  await page.goto(`${demo.base_url}/problems`);
  await keep(page, "problems-dark");
  await assertAccessible(page);
  await leave();
});
