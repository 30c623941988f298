// The demo as a child process: its addresses and secrets, and the levers of its sandbox.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PATIENCE = 30_000;

const FLOW = "open.shopweb.passengerFlow.getTotalData";
const FIGURES = {
  DAY_FLOW: 1234,
  WEEK_FLOW: 5678,
  MONTH_FLOW: 91011,
  TOTAL_SALE: 1213,
  EXPENDITURE: 14,
  BUY_RATE: "15.1",
  ENTER_RATE: "16.2",
  WEATHER: null,
};

/** Waits until `look` gives something, and gives that. */
export async function until(what, look, patience = PATIENCE) {
  const end = Date.now() + patience;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > end) throw new Error(`it did not come to be: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Starts a demo of its own for a file of tests, on free ports, with these further options. */
export async function startDemo(...options) {
  const folder = mkdtempSync(join(tmpdir(), "storegate-browser-"));
  const readyFile = join(folder, "ready.json");
  const { STOREGATE_PROGRAM: program } = process.env;
  if (!program) throw new Error("STOREGATE_PROGRAM names no program; tests/browser/run sets it");
  const child = spawn(program, ["demo", "--listen", "127.0.0.1:0", "--ready-file", readyFile, ...options], { stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  await until("the demo is ready", () => {
    if (child.exitCode !== null) throw new Error(`the demo ended with ${child.exitCode}`);
    return existsSync(readyFile);
  });
  const ready = JSON.parse(readFileSync(readyFile, "utf8"));

  const get = async (path, headers = {}) => {
    const answer = await fetch(ready.base_url + path, { headers: { authorization: `Bearer ${ready.token}`, ...headers } });
    if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const newToken = async () => {
    const { client_id, client_secret } = ready;
    const body = new URLSearchParams({ grant_type: "client_credentials", client_id, client_secret });
    return (await (await fetch(`${ready.base_url}/oauth/token`, { method: "POST", body })).json()).access_token;
  };
  /** Orders something of the sandbox: `sandbox("POST", "faults", {…})`. */
  const sandbox = async (method, path, order) => {
    const body = order && JSON.stringify(order);
    const answer = await fetch(`${ready.sandbox_url}/_sandbox/${path}`, { method, body });
    if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
  };
  /** From now on OPRetail answers every question for flow with these figures, whatever the time of day. */
  const setFlow = async (figures) => {
    const stat = { code: 0, codename: "OK", systime: Date.now(), cid: "browser" };
    const body = JSON.stringify({ stat, data: { ...FIGURES, ...figures } });
    await sandbox("DELETE", "faults");
    await sandbox("POST", "faults", { fault: "body", body, gateway: "opretail", method: FLOW, percent: 100 });
    await purge();
  };
  /** Forgets what is kept, so that the next answer is the gateway's. */
  const purge = (query = "") =>
    fetch(`${ready.base_url}/cache${query}`, { method: "DELETE", headers: { authorization: `Bearer ${ready.token}` } });
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  return { ...ready, get, newToken, sandbox, setFlow, purge, stop };
}
