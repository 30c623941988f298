// Each path once, by the types that are made from the document: what does not fit them does not compile, and what the
// service answers is held against what they say.

import createClient from "openapi-fetch";
import type { components, paths } from "./storegate.js";

const { STOREGATE_URL = "", TOKEN = "" } = process.env;
const client = createClient<paths>({ baseUrl: STOREGATE_URL, headers: { authorization: `Bearer ${TOKEN}` } });
const store_id = "S_123456";
const week = { from: "2026-11-01", to: "2026-11-07" };

function must<T>(answer: { data?: T; error?: components["schemas"]["Problem"] | undefined }): T {
  if (answer.error) throw new Error(`${answer.error.status} ${answer.error.title}: ${answer.error.detail}`);
  if (answer.data === undefined) throw new Error("no data");
  return answer.data;
}

function check(what: string, holds: boolean): void {
  if (!holds) throw new Error(`it does not hold: ${what}`);
}

const stores = must(await client.GET("/stores", { params: { query: { page_size: 5, code: ["SHOP001", "SHOP002"] } } }));
check("two stores", stores.items.length === 2 && stores.page.total === 2);
const store = must(await client.GET("/stores/{store_id}", { params: { path: { store_id: "SHOP001" } } }));
check("the first of them", store.oms_code === "SHOP001" && stores.items[0]?.oms_code === store.oms_code);
const flow = must(await client.GET("/stores/{store_id}/flow", { params: { path: { store_id } } }));
check("a number of visitors", typeof flow.visitors.today === "number");
const path = { store_id };
const demographics = must(await client.GET("/stores/{store_id}/demographics", { params: { path, query: week } }));
check("shares", demographics.gender.every((share) => ["male", "female", "unknown"].includes(share.gender)));
const parts: ("store" | "flow")[] = ["store", "flow"];
const overview = must(await client.GET("/stores/{store_id}/overview", { params: { path, query: { parts } } }));
check("one part and one error", overview.flow?.store_id === store_id && overview.errors["store"]?.status === 404);
const flows = must(await client.GET("/flow", { params: { query: { store_id: [store_id, "S_100001", "SHOP002"] } } }));
check("two flows and one error", flows.items.length === 2 && flows.errors[0]?.store_id === "SHOP002");
const sum = must(await client.GET("/demographics", { params: { query: { ...week, store_id: [store_id, "S_100001"] } } }));
check("a sum", (sum.visitors ?? 0) >= (demographics.visitors ?? 0) && sum.store_ids.length === 2);
const organization = { organization_id: "O_1084" };
must(await client.GET("/organizations/{organization_id}/flow", { params: { path: organization } }));
must(await client.GET("/organizations/{organization_id}/developer-account", { params: { path: { organization_id: "2" } } }));
const inspections = must(await client.GET("/inspections", { params: { query: { ...week, source_type: ["on_site"], page_size: 2 } } }));
check("a page", inspections.items.length <= 2);
const dropped = must(await client.DELETE("/cache", { params: { query: { store_id } } }));
check("something was dropped", dropped.dropped > 0);

const wrong = await client.GET("/stores/{store_id}/flow", { params: { path: { store_id: "no such id!" } } });
check("a problem that names the parameter", wrong.error?.errors?.[0]?.parameter === "store_id");
console.log("every path fits its types");
