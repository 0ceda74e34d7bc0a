/**
 * The page as a person uses it, in Chromium, on a small system in which everything is real. With
 * DRIFTMEND_SCREENSHOTS set, the pictures of docs/images are made anew.
 */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { AlertDetail, AlertView } from "../../contract/alert.ts";
import { ModelsView, RunsView } from "../../contract/views.ts";
import { MODEL } from "../retrainer/support/small-world.ts";
import {
  type TabOptions,
  accessibilityProblems,
  launchBrowser,
  openTab,
  overflowOf,
} from "./support/open-page.ts";
import { type PageWorld, READ_TOKEN, TOKEN, startPageWorld } from "./support/page-world.ts";

const IMAGES = resolve(import.meta.dirname, "..", "..", "docs", "images");
/** Long for a machine that is busy with other things. */
const AWHILE = { timeout: 60_000 };

let world: PageWorld;
let browser: Browser;
beforeAll(async () => {
  [world, browser] = await Promise.all([startPageWorld(), launchBrowser()]);
}, 600_000);
afterAll(async () => {
  await browser?.close();
  await world?.[Symbol.asyncDispose]();
});

/** Opens an address, does something, and expects that nobody complained. */
async function onPage(
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

async function api<S extends z.ZodType>(path: string, schema: S): Promise<z.output<S>> {
  const response = await fetch(`${world.url}${path}`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  return schema.parse(await response.json());
}

async function picture(page: Page, name: string): Promise<void> {
  if (process.env["DRIFTMEND_SCREENSHOTS"] === undefined) return;
  mkdirSync(IMAGES, { recursive: true });
  await page.screenshot({ path: join(IMAGES, `${name}.png`), animations: "disabled" });
}

const heading = (page: Page, name: string) => page.getByRole("heading", { level: 1, name });
const part = (page: Page, name: string) => page.getByRole("region", { name, exact: true });

/** The model's view with every part there. */
async function wholeModel(page: Page): Promise<void> {
  await heading(page, MODEL).waitFor(AWHILE);
  await part(page, "Time line").locator("canvas").nth(2).waitFor(AWHILE);
  await part(page, "Drift").getByText("× floor").first().waitFor(AWHILE);
  await part(page, "Segments").getByRole("row").nth(5).waitFor(AWHILE);
  await part(page, "Errors and latency").locator("canvas").nth(2).waitFor(AWHILE);
  await part(page, "Quality of the inputs").getByRole("row").nth(1).waitFor(AWHILE);
}

const alertsOf = async (kind: string): Promise<AlertView> => {
  const { alerts } = await api("/api/v1/alerts", z.object({ alerts: z.array(AlertView) }));
  const found = alerts.find((alert) => alert.kind === kind);
  if (found === undefined) throw new Error(`No alert of ${kind}: ${JSON.stringify(alerts)}`);
  return found;
};

const newestRun = async () => {
  const { runs } = await api("/api/v1/runs", RunsView);
  const [run] = runs;
  if (run === undefined) throw new Error("There is no run");
  return run;
};

describe("who may look", () => {
  it("says without a token what to type, and asks the API for nothing else", async () => {
    await onPage(
      "/",
      async (page) => {
        await heading(page, "This page needs its token").waitFor(AWHILE);
        await page.getByText("npx driftmend status").waitFor();
        expect(await accessibilityProblems(page)).toEqual([]);
      },
      { token: null, failuresExpected: true },
    );
  });

  it("takes the token out of the address and keeps it for the tab", async () => {
    await onPage("/", async (page) => {
      await page.getByRole("link", { name: MODEL }).waitFor(AWHILE);
      expect(page.url()).toBe(`${world.url}/`);
      await page.reload();
      await page.getByRole("link", { name: MODEL }).waitFor(AWHILE);
    });
  });

  it("shows a reader everything, and no button that acts", async () => {
    const run = await newestRun();
    await onPage(
      `/runs/${run.id}`,
      async (page) => {
        await page.getByText("read only").waitFor(AWHILE);
        await part(page, "The gate").getByRole("row").nth(3).waitFor(AWHILE);
        expect(await page.locator("button.act").count()).toBe(0);
      },
      { token: READ_TOKEN },
    );
  });

  it("is served under headers that keep everything foreign out", async () => {
    const response = await fetch(`${world.url}/models/${MODEL}`);
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(response.headers.get("x-frame-options")).toBe("DENY");
    const asset = /\/assets\/[\w-]+\.js/.exec(await response.text())?.[0] ?? "";
    const script = await fetch(`${world.url}${asset}`);
    expect(script.headers.get("content-type")).toContain("application/javascript");
    expect(script.headers.get("cache-control")).toContain("immutable");
    for (const path of ["/assets/..%2f..%2fpackage.json", "/assets/.built", "/.built"]) {
      expect((await fetch(`${world.url}${path}`)).status).toBeGreaterThanOrEqual(400);
    }
  });
});

describe("the fleet", () => {
  it("lists every model with state, traffic, skill, drift and last change", async () => {
    await onPage("/", async (page) => {
      const row = page.getByRole("row").filter({ hasText: MODEL });
      await row.waitFor(AWHILE);
      const text = (await row.textContent()) ?? "";
      expect(text).toMatch(/ticket|page/);
      expect(text).toMatch(/\[[−\d.]+, [−\d.]+\]/);
      expect(text).toMatch(/labelled/);
      expect(text).toMatch(/\d of 2 features/);
      expect(await accessibilityProblems(page)).toEqual([]);
      await picture(page, "page-fleet");
    });
  });
});

describe("a model", () => {
  it("draws its time line, with what happened beside the curves", async () => {
    await onPage(`/models/${MODEL}`, async (page) => {
      await wholeModel(page);
      const line = part(page, "Time line");
      await line.getByRole("list", { name: "Alerts" }).getByRole("link").first().waitFor(AWHILE);
      await line.getByRole("list", { name: "Runs" }).getByRole("link").first().waitFor(AWHILE);
      expect(await line.getByText("estimated", { exact: true }).count()).toBeGreaterThan(0);
      expect(await accessibilityProblems(page)).toEqual([]);
      await picture(page, "page-model");
    });
  });

  it("moves through a chart by arrow keys, and tells the window in words", async () => {
    await onPage(`/models/${MODEL}`, async (page) => {
      await wholeModel(page);
      const chart = page.getByRole("group", { name: /^Skill over time/ });
      const readout = chart.locator("xpath=..").locator(".readout");
      await chart.focus();
      await page.keyboard.press("Home");
      const first = (await readout.textContent()) ?? "";
      await page.keyboard.press("ArrowRight");
      await expect.poll(() => readout.textContent(), AWHILE).not.toBe(first);
      expect(first).toMatch(/realised|immature/);
    });
  });

  it("ranks drift, and lays both distributions over each other", async () => {
    await onPage(`/models/${MODEL}`, async (page) => {
      await wholeModel(page);
      const drift = part(page, "Drift");
      const hour = drift.locator("li").filter({ hasText: "hour" });
      await hour.getByText("hour", { exact: true }).click();
      await hour.getByText("Effective sample size").waitFor(AWHILE);
      const large = hour.locator("svg.histogram.large");
      expect(await large.locator("rect.reference").count()).toBeGreaterThan(10);
      await hour.getByText("The same in numbers").click();
      await hour.getByRole("columnheader", { name: "Reference" }).waitFor();
      await drift.scrollIntoViewIfNeeded();
      expect(await accessibilityProblems(page)).toEqual([]);
      await picture(page, "page-drift");
    });
  });

  it("is as legible in the dark, by the system's wish and by the button", async () => {
    await onPage(
      `/models/${MODEL}`,
      async (page) => {
        await wholeModel(page);
        const ground = () =>
          page.evaluate("getComputedStyle(document.documentElement).backgroundColor");
        const dark = await ground();
        expect(await accessibilityProblems(page)).toEqual([]);
        await picture(page, "page-model-dark");
        await page.getByRole("button", { name: "Use light colours" }).click();
        expect(await ground()).not.toBe(dark);
        await page.reload();
        await page.getByRole("button", { name: "Use dark colours" }).waitFor(AWHILE);
        expect(await ground()).not.toBe(dark);
      },
      { dark: true },
    );
  });

  it("changes windows and spans, and shows figures in numbers too", async () => {
    await onPage(`/models/${MODEL}`, async (page) => {
      await wholeModel(page);
      const line = part(page, "Time line");
      await line.getByRole("button", { name: "Days" }).click();
      await line.getByText("The same in numbers").click();
      await expect.poll(() => line.getByRole("row").count(), AWHILE).toBeGreaterThan(14);
      await line.getByRole("button", { name: "1 year" }).click();
      await line.locator("canvas").nth(2).waitFor(AWHILE);
    });
  });

  it("says of one that nobody knows that nobody knows it", async () => {
    await onPage("/models/nobody", async (page) => {
      await heading(page, "No model is called “nobody”").waitFor(AWHILE);
      expect(await accessibilityProblems(page)).toEqual([]);
    });
  });
});

describe("an alert", () => {
  it("is told in the order in which a person needs it, with the rows behind it", async () => {
    const alert = await alertsOf("error-share");
    await onPage(`/alerts/${alert.id}`, async (page) => {
      await heading(page, alert.title).waitFor(AWHILE);
      const terms = await part(page, "Why").getByRole("term").allTextContents();
      expect(terms).toEqual([
        "What, and since when",
        "What it costs",
        "Data, model or world",
        "Where",
        "How sure",
        "What changed elsewhere",
        "What the loop did, and will do",
        "What to type",
      ]);
      const rows = part(page, "Rows behind it");
      await rows.getByText("error: internal").first().waitFor(AWHILE);
      const failed = await rows.getByText("error: internal").count();
      expect(failed).toBe((await rows.getByRole("row").count()) - 1);
      await part(page, "The hours around it").locator("canvas").nth(2).waitFor(AWHILE);
      expect(await accessibilityProblems(page)).toEqual([]);
      await picture(page, "page-alert");
    });
  });

  it("is acknowledged and silenced by who holds the token, and says by whom", async () => {
    const alert = await alertsOf("calibration");
    await onPage(`/alerts/${alert.id}`, async (page) => {
      await heading(page, alert.title).waitFor(AWHILE);
      await page.getByRole("button", { name: "Acknowledge" }).click();
      const dialog = page.getByRole("dialog", { name: "Acknowledge" });
      await dialog.getByLabel("Who").fill("ann");
      expect(await accessibilityProblems(page)).toEqual([]);
      await dialog.getByRole("button", { name: "Acknowledge" }).click();
      await page.getByText("Acknowledged by ann").waitFor(AWHILE);
      await page.getByRole("button", { name: "Silence" }).click();
      const silence = page.getByRole("dialog", { name: "Silence" });
      await silence.getByLabel("Why").fill("the world has changed, a run waits");
      await silence.getByRole("button", { name: "Silence" }).click();
      await page.getByText("the world has changed, a run waits").waitFor(AWHILE);
    });
  });

  it("lists all, open ones first", async () => {
    await onPage("/alerts", async (page) => {
      await page.getByRole("row").nth(2).waitFor(AWHILE);
      expect(await accessibilityProblems(page)).toEqual([]);
      const { alerts } = await api("/api/v1/alerts", z.object({ alerts: z.array(AlertView) }));
      const open = alerts.filter(({ state }) => state !== "resolved");
      expect(open.length).toBeLessThan(alerts.length);
      await page.getByRole("button", { name: "Open" }).click();
      await expect.poll(() => page.getByRole("row").count(), AWHILE).toBe(open.length + 1);
    });
  });

  it("names what broke, column by column", async () => {
    const alert = await alertsOf("error-share");
    const detail = await api(`/api/v1/alerts/${alert.id}`, AlertDetail);
    const shift = { median: 5, min: 3, max: 7, period: 24, by: "city" };
    const broken = AlertDetail.parse({
      ...detail,
      id: "data-break-1",
      kind: "data-break",
      severity: "ticket",
      cause: "data",
      subject: "q-1",
      finding: {
        ...{
          kind: "data-break",
          cause: "data",
          columns: ["distance", "hour"],
          factor: 1.6094,
          shift,
        },
        details: [
          { column: "distance", change: "factor", factor: 1.6094 },
          { column: "hour", change: "shift", shift },
        ],
        segment: { tag: "app", values: ["a1"] },
        ...{ from: detail.from, to: null, rows: 120, reason: "distance is 1.6094 times" },
      },
    });
    await onPage(
      "/alerts/data-break-1",
      async (page) => {
        await page.getByText("1.61 times what it should be").waitFor(AWHILE);
        await page.getByText("shifted by 5 (of 24), 3 to 7 by city").waitFor();
        await page.getByRole("button", { name: "Release the quarantine" }).waitFor();
      },
      {
        failuresExpected: true,
        before: (page) =>
          page.route("**/api/v1/alerts/data-break-1", (route) => route.fulfill({ json: broken })),
      },
    );
  });
});

describe("a run", () => {
  it("is approved, watched and rolled back on the page, which follows without reloading", async () => {
    const run = await newestRun();
    expect(run.status).toBe("approval");
    await onPage(`/runs/${run.id}`, async (page) => {
      await page.getByText("waits for approval").first().waitFor(AWHILE);
      await part(page, "The gate").getByText("Together").waitFor(AWHILE);
      expect(await accessibilityProblems(page)).toEqual([]);
      await act(page, "Approve", "better beyond doubt");
      await part(page, "Canary beside champion").getByText("champion 1").waitFor(AWHILE);
      await world.passCanary();
      await page.getByRole("button", { name: "Roll back" }).waitFor(AWHILE);
      await part(page, "Canary beside champion").locator("canvas").nth(2).waitFor(AWHILE);
      expect(await accessibilityProblems(page)).toEqual([]);
      await picture(page, "page-run");
      await act(page, "Roll back", "to see that it works");
      await page
        .getByRole("button", { name: "Roll back" })
        .waitFor({ ...AWHILE, state: "detached" });
    });
    const { models } = await api("/api/v1/models", ModelsView);
    expect(models[0]?.lastChange?.what).toBe("rolled back to version 1");
  });

  it("pauses and resumes the loop from the model's view", async () => {
    await onPage(`/models/${MODEL}`, async (page) => {
      await act(page, "Pause the loop", "looking into it");
      await page.getByText("The loop is paused").waitFor(AWHILE);
      await act(page, "Resume the loop", "looked into it");
      await page.getByText("The loop proposes").waitFor(AWHILE);
    });
  });

  it("shows the refusal where there is one, in the dialog", async () => {
    const run = await newestRun();
    await onPage(
      `/models/${MODEL}`,
      async (page) => {
        await page.getByRole("button", { name: "Pause the loop" }).click();
        const dialog = page.getByRole("dialog");
        await dialog.getByLabel("Why").fill("because");
        await dialog.getByRole("button", { name: "Pause the loop" }).click();
        await dialog.getByRole("alert").getByText("Cannot do this now").waitFor(AWHILE);
        await page.keyboard.press("Escape");
        expect(await dialog.count()).toBe(0);
      },
      {
        failuresExpected: true,
        before: (page) =>
          page.route(`**/api/v1/models/${run.model}/loop`, (route) =>
            route.request().method() === "POST"
              ? route.fulfill({
                  status: 409,
                  json: {
                    title: "conflict",
                    status: 409,
                    detail: "Cannot do this now",
                    code: "conflict",
                    next: null,
                  },
                })
              : route.fallback(),
          ),
      },
    );
  });

  it("lists all of them with the checks that led to runs and to none", async () => {
    await onPage("/runs", async (page) => {
      await part(page, `Checks of ${MODEL}`).getByText("RETRAIN").first().waitFor(AWHILE);
      expect(await accessibilityProblems(page)).toEqual([]);
    });
  });
});

async function act(page: Page, name: string, reason: string): Promise<void> {
  const button = page.getByRole("button", { name });
  await button.first().waitFor(AWHILE);
  await button.first().click();
  const dialog = page.getByRole("dialog", { name });
  await dialog.getByLabel("Who").fill("ann");
  await dialog.getByLabel("Why").fill(reason);
  await dialog.getByRole("button", { name }).click();
  await dialog.waitFor({ ...AWHILE, state: "hidden" });
}

describe("when things are wrong", () => {
  it("says what would put a model here while there is none", async () => {
    await onPage(
      "/",
      async (page) => {
        await page.getByText("No model has been seen yet").waitFor(AWHILE);
        expect(await accessibilityProblems(page)).toEqual([]);
      },
      {
        before: (page) =>
          page.route("**/api/v1/models", (route) => route.fulfill({ json: { models: [] } })),
      },
    );
  });

  it("shows that it loads, until the answer is there", async () => {
    const answered = Promise.withResolvers<void>();
    await onPage(
      "/",
      async (page) => {
        await page.getByText("Loading the models").waitFor({ ...AWHILE, state: "attached" });
        expect(await accessibilityProblems(page)).toEqual([]);
        answered.resolve();
        await page.getByRole("link", { name: MODEL }).waitFor(AWHILE);
      },
      {
        before: (page) =>
          page.route("**/api/v1/models", async (route) => {
            await answered.promise;
            await route.fallback();
          }),
      },
    );
  });

  it("keeps what it showed while a service is away, says since when, and recovers by itself", async () => {
    await onPage(
      "/",
      async (page) => {
        await page.getByRole("link", { name: MODEL }).waitFor(AWHILE);
        world.setAnalyzer(false);
        try {
          await page.getByText("A service does not answer").waitFor(AWHILE);
          await page.getByText(/^lost since/).waitFor(AWHILE);
          expect(await page.getByRole("link", { name: MODEL }).count()).toBe(1);
          expect(await accessibilityProblems(page)).toEqual([]);
        } finally {
          world.setAnalyzer(true);
        }
        await page.getByText("A service does not answer").waitFor({ ...AWHILE, state: "detached" });
      },
      { failuresExpected: true },
    );
  });

  it("says that nothing answers where the whole system is gone", async () => {
    await onPage(
      "/",
      async (page) => {
        await page.getByRole("link", { name: MODEL }).waitFor(AWHILE);
        await page.route("**/api/**", (route) => route.abort());
        await page.getByText("No connection").waitFor(AWHILE);
        await page.getByText("npm start").first().waitFor();
      },
      { failuresExpected: true },
    );
  });

  it("knows which addresses it has", async () => {
    const headers = { authorization: `Bearer ${TOKEN}` };
    expect((await fetch(`${world.url}/nowhere`, { headers })).status).toBe(404);
    await onPage("/models/a/b", async (page) => {
      await heading(page, "No such page").waitFor(AWHILE);
    });
  });
});

describe("on a phone of 320 pixels", () => {
  it("every view fits, and is as accessible", async () => {
    const run = await newestRun();
    const alert = await alertsOf("error-share");
    const views = [
      "/",
      `/models/${MODEL}`,
      "/alerts",
      `/alerts/${alert.id}`,
      "/runs",
      `/runs/${run.id}`,
    ];
    for (const path of views) {
      await onPage(
        path,
        async (page) => {
          await page.getByRole("heading", { level: 1 }).waitFor(AWHILE);
          if (path.startsWith("/models")) await wholeModel(page);
          else await page.locator("table, .steps").first().waitFor(AWHILE);
          expect([path, await overflowOf(page)]).toEqual([path, 0]);
          expect(await accessibilityProblems(page)).toEqual([]);
          if (path === "/") await picture(page, "page-phone");
        },
        { width: 320, height: 640 },
      );
    }
  });
});

describe("by keyboard alone", () => {
  it("skips to the content, follows a link, and has a visible focus", async () => {
    await onPage("/", async (page) => {
      await page.getByRole("link", { name: MODEL }).waitFor(AWHILE);
      await page.locator("body").press("Tab");
      expect(await page.evaluate("document.activeElement?.textContent?.trim()")).toBe(
        "Skip to the content",
      );
      await page.getByRole("link", { name: MODEL }).focus();
      expect(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")).not.toBe(
        "none",
      );
      await page.keyboard.press("Enter");
      await heading(page, MODEL).waitFor(AWHILE);
      await page.goBack();
      await heading(page, "Models").waitFor(AWHILE);
    });
  });
});
