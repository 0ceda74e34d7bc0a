/**
 * `npm test`: runs all tests once and ends with a line of its own that a program can read:
 * "N passed, N failed", with ", N skipped" where some were. Arguments go to vitest (file filters).
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { z } from "zod";

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

async function main(filters: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "driftmend-tests-"));
  const reportFile = join(folder, "report.json");
  const vitest = join(
    dirname(createRequire(import.meta.url).resolve("vitest/package.json")),
    "vitest.mjs",
  );
  const child = spawn(
    process.execPath,
    [
      vitest,
      "run",
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${reportFile}`,
      ...filters,
    ],
    { stdio: "inherit", cwd: join(import.meta.dirname, "..") },
  );
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
  const line = countsLine(report, exitCode);
  process.stdout.write(`${line}\n`);
  return exitCode !== 0 || report === null ? 1 : 0;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
