/**
 * `npm test`: runs all tests once and ends with a line of its own that a program can read:
 * "N passed, N failed", with ", N skipped" where some were. `--browser` runs the tests in Chromium instead,
 * `--with-browser` those after the others. Other arguments go to vitest (file filters).
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";

const ROOT = resolve(import.meta.dirname, "..");

const Report = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numPendingTests: z.int(),
  testResults: z.array(z.object({ status: z.string(), assertionResults: z.array(z.unknown()) })),
});
export type Report = z.infer<typeof Report>;

/** The last line. A file that could not even be loaded counts as one failure, as does a crash. */
export function countsLine(report: Report | null, exitCode: number): string {
  const unloaded =
    report?.testResults.filter(
      (file) => file.status === "failed" && file.assertionResults.length === 0,
    ).length ?? 0;
  const failed = (report?.numFailedTests ?? 0) + unloaded;
  const shown = failed === 0 && exitCode !== 0 ? 1 : failed;
  const skipped = report?.numPendingTests ?? 0;
  const end = skipped > 0 ? `, ${skipped} skipped` : "";
  return `${report?.numPassedTests ?? 0} passed, ${shown} failed${end}`;
}

/** Reports of several runs as one; null where one of them could not be read. */
export function addReports(reports: readonly (Report | null)[]): Report | null {
  const known = reports.filter((report) => report !== null);
  if (known.length < reports.length) return null;
  const sum = (of: (report: Report) => number): number =>
    known.reduce((total, report) => total + of(report), 0);
  return {
    numPassedTests: sum(({ numPassedTests }) => numPassedTests),
    numFailedTests: sum(({ numFailedTests }) => numFailedTests),
    numPendingTests: sum(({ numPendingTests }) => numPendingTests),
    testResults: known.flatMap(({ testResults }) => testResults),
  };
}

async function runVitest(
  args: readonly string[],
): Promise<{ readonly exitCode: number; readonly report: Report | null }> {
  const folder = mkdtempSync(join(tmpdir(), "driftmend-tests-"));
  const reportFile = join(folder, "report.json");
  const vitest = join(
    dirname(createRequire(import.meta.url).resolve("vitest/package.json")),
    "vitest.mjs",
  );
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${reportFile}`];
  const child = spawn(process.execPath, [vitest, "run", ...reporters, ...args], {
    stdio: "inherit",
    cwd: ROOT,
    // Hundreds of services are started: their types are stripped and their code is compiled once.
    env: { NODE_COMPILE_CACHE: join(ROOT, ".cache", "compiled"), ...process.env },
  });
  const exitCode = await new Promise<number>((resolve) =>
    child.once("exit", (code) => resolve(code ?? 1)),
  );
  let report: Report | null = null;
  try {
    report = Report.parse(JSON.parse(readFileSync(reportFile, "utf8")));
  } catch (error) {
    process.stderr.write(`Cannot read the report of vitest: ${String(error)}\n`);
  }
  rmSync(folder, { recursive: true, force: true });
  return { exitCode, report };
}

const BROWSER = ["--config", "vitest.browser.config.ts"];

async function main(args: readonly string[]): Promise<number> {
  const filters = args.filter((arg) => arg !== "--browser" && arg !== "--with-browser");
  const suites = args.includes("--browser")
    ? [BROWSER]
    : args.includes("--with-browser")
      ? [[], BROWSER]
      : [[]];
  const results = [];
  for (const suite of suites) results.push(await runVitest([...suite, ...filters]));
  const exitCode = Math.max(...results.map((result) => result.exitCode));
  const report = addReports(results.map((result) => result.report));
  process.stdout.write(`${countsLine(report, exitCode)}\n`);
  return exitCode !== 0 || report === null ? 1 : 0;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
