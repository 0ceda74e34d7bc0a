/** When things are wrong, on a phone, and by keyboard alone. */
import { describe, expect, it } from "vitest";
import { MODEL } from "../retrainer/support/small-world.ts";
import { accessibilityProblems, overflowOf } from "./support/open-page.ts";
import { TOKEN } from "./support/page-world.ts";
import {
  AWHILE,
  alertsOf,
  heading,
  newestRun,
  onPage,
  part,
  picture,
  wholeModel,
  world,
} from "./support/stage.ts";

export function testTrouble(): void {
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
          await page
            .getByText("A service does not answer")
            .waitFor({ ...AWHILE, state: "detached" });
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

    it("shows the other parts where one cannot be drawn, and draws it with the next answer", async () => {
      const operations = "**/api/v1/models/*/operations*";
      await onPage(
        `/models/${MODEL}`,
        async (page) => {
          const service = part(page, "Errors and latency");
          await service.getByText("Cannot show the service").waitFor(AWHILE);
          await part(page, "Segments").getByRole("row").nth(5).waitFor(AWHILE);
          expect(await accessibilityProblems(page)).toEqual([]);
          await page.unroute(operations);
          await service.locator("canvas").nth(2).waitFor(AWHILE);
        },
        {
          before: (page) => page.route(operations, (route) => route.fulfill({ json: {} })),
          complaintsExpected: /Cannot read properties of undefined|operations: /,
        },
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
        expect(
          await page.evaluate("getComputedStyle(document.activeElement).outlineStyle"),
        ).not.toBe("none");
        await page.keyboard.press("Enter");
        await heading(page, MODEL).waitFor(AWHILE);
        await page.goBack();
        await heading(page, "Models").waitFor(AWHILE);
      });
    });
  });
}
