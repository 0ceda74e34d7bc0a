/**
 * The crash test for as long as one likes: node tests/crash/main.ts [--minutes N] [--seed S] [--rows N]. Prints
 * the report as JSON and exits 1 when anything was lost, doubled or counted wrongly.
 */
import { parseArgs } from "node:util";
import { runCrash } from "./run-crash.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    rows: { type: "string", default: "200" },
  },
});
const report = await runCrash({
  seed: Number(values.seed),
  durationMs: Number(values.minutes) * 60_000,
  rowsPerRequest: Number(values.rows),
  say: (line) => process.stderr.write(`${line}\n`),
});
process.stdout.write(`${JSON.stringify({ seed: Number(values.seed), ...report })}\n`);
const { lost, twice, labelsLost, servedLost } = report;
const { outcomesMissing, rollupDifferences, deadLetters } = report;
const wrong = [
  lost,
  twice,
  labelsLost,
  servedLost,
  outcomesMissing,
  rollupDifferences,
  deadLetters,
];
process.exitCode = wrong.every((number) => number === 0) ? 0 : 1;
