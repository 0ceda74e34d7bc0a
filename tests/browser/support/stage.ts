/** What every test of the page uses: the system and the browser that are started once, and the words to drive them. */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";
import { z } from "zod";
import { AlertView } from "../../../contract/alert.ts";
import { RunsView } from "../../../contract/views.ts";
import { MODEL } from "../../retrainer/support/small-world.ts";
import { type TabOptions, launchBrowser, openTab } from "./open-page.ts";
import { type PageWorld, TOKEN, startPageWorld } from "./page-world.ts";

const IMAGES = resolve(import.meta.dirname, "..", "..", "..", "docs", "images");
/** Long for a machine that is busy with other things. */
export const AWHILE = { timeout: 60_000 };

export let world: PageWorld;
let browser: Browser;

/** To be called once, where the tests are put together. */
export function startBefore(): void {
  beforeAll(async () => {
    [world, browser] = await Promise.all([startPageWorld(), launchBrowser()]);
  }, 600_000);
  afterAll(async () => {
    await browser?.close();
    await world?.[Symbol.asyncDispose]();
  });
}

/** Opens an address, does something, and expects that nobody complained. */
export async function onPage(
  path: string,
  work: (page: Page) => Promise<void>,
  options: TabOptions & {
    readonly token?: string | null;
    readonly before?: (page: Page) => Promise<unknown>;
  } = {},
): Promise<void> {
  await using tab = await openTab(browser, options);
  const { token = TOKEN } = options;
  await options.before?.(tab.page);
  await tab.page.goto(`${world.url}${path}${token === null ? "" : `#token=${token}`}`);
  await work(tab.page);
  expect(tab.complaints).toEqual([]);
}

export async function api<S extends z.ZodType>(path: string, schema: S): Promise<z.output<S>> {
  const response = await fetch(`${world.url}${path}`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  return schema.parse(await response.json());
}

export async function picture(page: Page, name: string): Promise<void> {
  if (process.env["DRIFTMEND_SCREENSHOTS"] === undefined) return;
  mkdirSync(IMAGES, { recursive: true });
  await page.screenshot({ path: join(IMAGES, `${name}.png`), animations: "disabled" });
}

export const heading = (page: Page, name: string) => page.getByRole("heading", { level: 1, name });
export const part = (page: Page, name: string) => page.getByRole("region", { name, exact: true });

/** The model's view with every part there. */
export async function wholeModel(page: Page): Promise<void> {
  await heading(page, MODEL).waitFor(AWHILE);
  await part(page, "Time line").locator("canvas").nth(2).waitFor(AWHILE);
  await part(page, "Drift").getByText("× floor").first().waitFor(AWHILE);
  await part(page, "Segments").getByRole("row").nth(5).waitFor(AWHILE);
  await part(page, "Errors and latency").locator("canvas").nth(2).waitFor(AWHILE);
  await part(page, "Quality of the inputs").getByRole("row").nth(1).waitFor(AWHILE);
}

export const alertsOf = async (kind: string): Promise<AlertView> => {
  const { alerts } = await api("/api/v1/alerts", z.object({ alerts: z.array(AlertView) }));
  const found = alerts.find((alert) => alert.kind === kind);
  if (found === undefined) throw new Error(`No alert of ${kind}: ${JSON.stringify(alerts)}`);
  return found;
};

export const newestRun = async () => {
  const { runs } = await api("/api/v1/runs", RunsView);
  const [run] = runs;
  if (run === undefined) throw new Error("There is no run");
  return run;
};

/** Presses a button that acts, and gives who and why. */
export async function act(page: Page, name: string, reason: string): Promise<void> {
  const button = page.getByRole("button", { name });
  await button.first().waitFor(AWHILE);
  await button.first().click();
  const dialog = page.getByRole("dialog", { name });
  await dialog.getByLabel("Who").fill("ann");
  await dialog.getByLabel("Why").fill(reason);
  await dialog.getByRole("button", { name }).click();
  await dialog.waitFor({ ...AWHILE, state: "hidden" });
}
