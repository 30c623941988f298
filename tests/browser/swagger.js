// What people do in Swagger UI: authorize, open an operation, fill it in, execute it, read what came.

import assert from "node:assert/strict";

/** Opens /docs/ and waits until the document is drawn. */
export async function openDocs(page, baseUrl, fragment = "") {
  await page.goto(`${baseUrl}/docs/${fragment}`);
  await page.locator(".opblock").first().waitFor();
}

/** Presses Authorize, types the secret, selects all scopes, and authorizes. Gives the dialogue, still open. */
export async function authorize(page, secret) {
  await page.locator(".scheme-container").getByRole("button", { name: "Authorize" }).click();
  const dialogue = page.locator(".modal-ux");
  const oauth2 = dialogue.locator(".auth-container", { hasText: "oauth2" });
  await oauth2.getByLabel("client_secret:").fill(secret);
  await oauth2.getByText("select all").click();
  await oauth2.getByRole("button", { name: "Apply given OAuth2 credentials" }).click();
  return dialogue;
}

/** Authorizes, sees that it worked, and closes the dialogue. */
export async function signIn(page, secret) {
  const dialogue = await authorize(page, secret);
  await dialogue.getByText("Logout", { exact: true }).waitFor();
  await dialogue.getByRole("button", { name: "Close" }).last().click();
  await dialogue.waitFor({ state: "detached" });
}

/** The block of an operation. */
export function block(page, { tag, operationId }) {
  return page.locator(`[id="operations-${tag}-${operationId}"]`);
}

/** Opens an operation, or closes it again. */
export async function toggle(operation) {
  await operation.locator(".opblock-summary-control").click();
}

/** Writes into the field of a parameter, or chooses the value; of a list, into its first line. */
export async function fill(operation, name, value) {
  const row = operation.locator(`tr[data-param-name="${name}"]`);
  const add = row.getByRole("button", { name: "Add string item" });
  if ((await add.count()) > 0 && (await row.locator("input").count()) === 0) await add.click();
  const choice = row.locator("select");
  await ((await choice.count()) > 0 ? choice.selectOption(value) : row.locator("input, textarea").first().fill(value));
}

/** Fills in what the operation requires, and a week as the period, so that there is something to see on any day. */
export async function fillIn({ operationId, parameters }, area) {
  const weekAgo = new Date(Date.now() - 7 * 86_400_000).toISOString().slice(0, 10);
  for (const { name, required, example } of parameters ?? []) {
    // Swagger UI has the examples in its fields already; what has none would be a gap of the document.
    if (required) assert.ok(example !== undefined, `${operationId}: no example of ${name}`);
    if (required) await fill(area, name, String([example].flat()[0]));
    if (name === "from") await fill(area, name, weekAgo);
  }
}

/** Writes into the fields of a form, which Swagger UI lists under the request body. */
export async function fillForm(operation, values) {
  for (const [name, value] of Object.entries(values)) {
    const row = operation.locator(`tr[data-property-name="${name}"]`);
    const choice = row.locator("select");
    await ((await choice.count()) > 0 ? choice.selectOption(value) : row.locator("input, textarea").first().fill(value));
  }
}

/** Presses Execute and gives what Swagger UI shows under “Server response”. */
export async function execute(operation) {
  await operation.locator(".btn.execute").click();
  const response = operation.locator(".live-responses-table .response");
  await response.waitFor();
  const status = (await response.locator(".response-col_status").innerText()).trim();
  const text = await response.locator(".response-col_description pre").first().innerText();
  return { status: Number.parseInt(status, 10), text, response };
}
