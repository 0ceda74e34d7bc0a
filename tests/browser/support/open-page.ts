/** A tab on the page under test: complains of console errors and of answers that break their schema. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Browser, type Page, chromium } from "playwright-core";
import { z } from "zod";
import { findChromium } from "./chromium.ts";
import { schemaOf } from "./answers.ts";

export interface Tab extends AsyncDisposable {
  readonly page: Page;
  /** What went wrong in it that nobody expected. */
  readonly complaints: string[];
}

export interface TabOptions {
  readonly width?: number;
  readonly height?: number;
  readonly dark?: boolean;
  /** Failed requests are what the test is about. */
  readonly failuresExpected?: boolean;
  /** Complaints that the test is about. */
  readonly complaintsExpected?: RegExp;
}

export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: findChromium(),
    // Chromium's own sandbox does not work for root, in containers above all.
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });

export async function openTab(browser: Browser, options: TabOptions = {}): Promise<Tab> {
  const { width = 1280, height = 900, dark = false, failuresExpected = false } = options;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: dark ? "dark" : "light",
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  const complain = (text: string): void => {
    if (options.complaintsExpected?.test(text) !== true) complaints.push(text);
  };
  page.on("console", (message) => {
    const isFailure = message.text().startsWith("Failed to load resource");
    if (message.type() !== "error" || (isFailure && failuresExpected)) return;
    complain(message.text());
  });
  page.on("pageerror", (error) => complain(error.message));
  page.on("response", (response) => {
    const { pathname } = new URL(response.url());
    if (!pathname.startsWith("/api/") || response.status() !== 200) return;
    if (response.request().method() !== "GET") return;
    response.json().then(
      (answer: unknown) => {
        const checked = schemaOf(pathname).safeParse(answer);
        if (!checked.success) complain(`${pathname}: ${z.prettifyError(checked.error)}`);
      },
      // The tab left before the answer was read.
      () => undefined,
    );
  });
  return { page, complaints, [Symbol.asyncDispose]: () => context.close() };
}

const axeSource = readFileSync(
  createRequire(import.meta.url).resolve("axe-core/axe.min.js"),
  "utf8",
);
const AxeResult = z.object({
  violations: z.array(
    z.object({
      id: z.string(),
      help: z.string(),
      nodes: z.array(
        z.object({ target: z.array(z.unknown()), failureSummary: z.string().optional() }),
      ),
    }),
  ),
});

/** What axe finds wrong with what is shown: WCAG 2.2 A and AA and its best practices. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  const result = AxeResult.parse(
    await page.evaluate(
      "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })",
    ),
  );
  return result.violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}: ${nodes
        .slice(0, 3)
        .map(({ target, failureSummary }) => `${target.join(" ")} (${failureSummary ?? ""})`)
        .join("; ")}`,
  );
}

/** Pixels that the page is wider than its window. */
export const overflowOf = async (page: Page): Promise<number> =>
  z
    .number()
    .parse(
      await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth",
      ),
    );
