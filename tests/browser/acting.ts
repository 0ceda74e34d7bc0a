/** Alerts and runs: read, and acted on by who holds the token. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { AlertDetail, AlertView } from "../../contract/alert.ts";
import { ModelsView } from "../../contract/views.ts";
import { MODEL } from "../retrainer/support/small-world.ts";
import { accessibilityProblems } from "./support/open-page.ts";
import {
  AWHILE,
  act,
  alertsOf,
  api,
  heading,
  newestRun,
  onPage,
  part,
  picture,
  world,
} from "./support/stage.ts";

export function testActing(): void {
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
        await page.getByRole("button", { name: "Acknowledge", exact: true }).click();
        const dialog = page.getByRole("dialog", { name: "Acknowledge" });
        await dialog.getByLabel("Who").fill("ann");
        expect(await accessibilityProblems(page)).toEqual([]);
        await dialog.getByRole("button", { name: "Acknowledge", exact: true }).click();
        await page.getByText("Acknowledged by ann").waitFor(AWHILE);
        await page.getByRole("button", { name: "Silence", exact: true }).click();
        const silence = page.getByRole("dialog", { name: "Silence" });
        await silence.getByLabel("Why").fill("the world has changed, a run waits");
        await silence.getByRole("button", { name: "Silence", exact: true }).click();
        await page
          .getByText(/^Silenced until .*the world has changed, a run waits/)
          .waitFor(AWHILE);
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
}
