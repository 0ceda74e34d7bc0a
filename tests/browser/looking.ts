/** Looking: who may, the list of models, and one model. */
import { describe, expect, it } from "vitest";
import { MODEL } from "../retrainer/support/small-world.ts";
import { accessibilityProblems } from "./support/open-page.ts";
import { READ_TOKEN, TOKEN } from "./support/page-world.ts";
import {
  AWHILE,
  heading,
  newestRun,
  onPage,
  part,
  picture,
  wholeModel,
  world,
} from "./support/stage.ts";

export function testLooking(): void {
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

    it("takes the token itself where somebody has it, as from a link in a message", async () => {
      await onPage(
        "/",
        async (page) => {
          await page.getByLabel("Or give the token itself").fill(TOKEN);
          await page.getByRole("button", { name: "Open" }).click();
          await page.getByRole("link", { name: MODEL }).waitFor(AWHILE);
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
      // Its time line is asked for before it is known that there is none.
      const failuresExpected = true;
      await onPage(
        "/models/nobody",
        async (page) => {
          await heading(page, "No model is called “nobody”").waitFor(AWHILE);
          expect(await accessibilityProblems(page)).toEqual([]);
        },
        { failuresExpected },
      );
    });
  });
}
