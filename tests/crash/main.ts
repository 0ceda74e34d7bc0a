/**
 * The crash test for as long as one likes: npm run test:crash -- [--minutes N] [--seed S] [--rows N] [--faults
 * kill,power,network,disk,clock]. The same seed gives the same faults at the same times. Prints the report as JSON
 * and exits 1 when anything was lost, doubled or counted wrongly.
 */
import { parseArgs } from "node:util";
import { FAULT_KINDS } from "./plan-faults.ts";
import { runCrash } from "./run-crash.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    rows: { type: "string", default: "200" },
    faults: { type: "string", default: FAULT_KINDS.join(",") },
  },
});
const wanted = values.faults.split(",");
const unknown = wanted.filter((kind) => !FAULT_KINDS.some((known) => known === kind));
if (unknown.length > 0) {
  process.stderr.write(`Cannot do "${unknown.join(", ")}": faults are ${FAULT_KINDS.join(", ")}\n`);
  process.exit(2);
}
const report = await runCrash({
  seed: Number(values.seed),
  durationMs: Number(values.minutes) * 60_000,
  rowsPerRequest: Number(values.rows),
  kinds: FAULT_KINDS.filter((kind) => wanted.includes(kind)),
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
