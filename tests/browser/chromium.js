// A headless Chromium, and pages of it that note whatever a page must not do: speak to another host, break its content
// policy, complain on the console.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844 };

/** A browser that finds no host but this machine, so that nothing is fetched from elsewhere without failing. */
export function startBrowser() {
  const args = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"];
  return chromium.launch({ executablePath: process.env.CHROMIUM, args });
}

/**
 * A new visitor: nothing is remembered of the one before. `visitor.page` is a page of Playwright; `visitor.leave()` closes
 * it, and fails if the page did what it must not. `failures` are the statuses that the test means to provoke, which
 * Chromium would otherwise count as complaints.
 */
export async function visit(browser, baseUrl, { viewport = DESKTOP, failures = [], ...options } = {}) {
  const context = await browser.newContext({ viewport, ...options });
  const complaints = [];
  const requests = [];
  await context.exposeBinding("reportViolation", (_, violation) => complaints.push(`content policy: ${violation}`));
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => {
      globalThis.reportViolation(`${event.violatedDirective} of ${event.blockedURI} at ${event.sourceFile}`);
    });
  });
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(`exception: ${error.stack}`));
  page.on("console", (message) => {
    const isMeant = failures.some((status) => message.text().includes(`responded with a status of ${status}`));
    if (message.type() === "error" && !isMeant) complaints.push(`console: ${message.text()}`);
  });
  context.on("request", (request) => {
    requests.push(request);
    const url = new URL(request.url());
    if (url.protocol !== "data:" && url.origin !== baseUrl) complaints.push(`another host: ${url}`);
  });
  const leave = async () => {
    await context.close();
    assert.deepEqual(complaints, []);
  };
  return { page, requests, leave };
}

/** What axe finds wrong with a page by WCAG 2.2 at level AA: contrast, labels, roles, headings. */
export async function assertAccessible(page) {
  await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const { violations } = await globalThis.axe.run({ runOnly: tags });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
  });
  assert.deepEqual(violations, []);
}

/** Keeps what the page looks like as target/browser/<name>.png, for people to look at. */
export async function keep(page, name, options = {}) {
  const path = fileURLToPath(new URL(`${name}.png`, import.meta.url));
  await page.screenshot({ path, animations: "disabled", ...options });
}

/**
 * Whether a page can be used on a phone: nothing to the right of the screen, no small print, and what is pressed is large
 * enough for a finger (WCAG 2.2, 2.5.8: 24 pixels; links within a sentence are excepted).
 */
export async function assertFitsPhone(page, { smallest = 12, target = 24, ignore = "" } = {}) {
  const found = await page.evaluate(
    ({ smallest, target, ignore }) => {
      const isSeen = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
      const isIgnored = (element) => ignore && element.closest(ignore);
      const name = (element) => `${element.tagName.toLowerCase()} "${(element.textContent || element.id).trim().slice(0, 40)}"`;
      const texts = [];
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || !isSeen(element) || isIgnored(element)) continue;
        const size = parseFloat(getComputedStyle(element).fontSize);
        if (size < smallest) texts.push(`${name(element)} has ${size}px`);
      }
      const targets = [...document.querySelectorAll("button, input, select, summary, a")].filter(isSeen);
      const inLine = (element) => element.tagName === "A" && getComputedStyle(element).display === "inline";
      const small = targets.filter((element) => {
        const { width, height } = element.getBoundingClientRect();
        return !isIgnored(element) && !inLine(element) && width > 0 && (width < target || height < target) && !element.closest("label");
      });
      const width = document.documentElement.clientWidth;
      const outside = targets.filter((element) => !isIgnored(element) && element.getBoundingClientRect().right > width + 1);
      return {
        zoom: document.documentElement.clientWidth / screen.width,
        scrolls: document.documentElement.scrollWidth - width,
        texts: [...new Set(texts)],
        small: small.map(name),
        outside: outside.map(name),
      };
    },
    { smallest, target, ignore },
  );
  assert.deepEqual(found, { zoom: 1, scrolls: 0, texts: [], small: [], outside: [] });
}
