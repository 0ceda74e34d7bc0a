/**
 * `npm run bench -- <name> [--json]`: runs one benchmark, or all but `endurance`, and prints its figures. Machines are
 * shared and noisy: trust ratios, which are taken within one run.
 */
import type { Figure } from "./figure.ts";

type Bench = () => Promise<readonly Figure[]>;

const BENCHES: Readonly<Record<string, () => Promise<{ run: Bench }>>> = {
  pipeline: () => import("./pipeline.ts"),
  endurance: () => import("./endurance.ts"),
  capture: () => import("./capture.ts"),
  endpoint: () => import("./endpoint.ts"),
  console: () => import("./console.ts"),
};

/** Takes more than an hour. */
const BY_NAME_ONLY = "endurance";

const args = process.argv.slice(2);
const asJson = args.includes("--json");
const wanted = args.filter((arg) => !arg.startsWith("--"));
const unknown = wanted.filter((name) => !(name in BENCHES));
if (unknown.length > 0 || args.includes("--help")) {
  process.stderr.write(
    `${unknown.length === 0 ? "" : `Cannot run "${unknown.join(", ")}": no such benchmark\n`}` +
      `Usage: npm run bench -- [${Object.keys(BENCHES).join("|")}] [--json]\n`,
  );
  process.exit(unknown.length === 0 ? 0 : 2);
}

for (const [name, load] of Object.entries(BENCHES)) {
  if (wanted.length > 0 ? !wanted.includes(name) : name === BY_NAME_ONLY) continue;
  if (!asJson) process.stderr.write(`Running ${name}\n`);
  const { run } = await load();
  for (const figure of await run()) {
    process.stdout.write(`${asJson ? JSON.stringify(figure) : lineOf(figure)}\n`);
  }
}

function lineOf({ bench, metric, value, unit, ratio, against }: Figure): string {
  const digits = Math.abs(value) >= 100 ? 0 : 2;
  const compared = ratio === null ? "" : `  ${ratio.toFixed(2)} × ${against ?? ""}`;
  return `${`${bench}/${metric}`.padEnd(44)} ${value.toFixed(digits)} ${unit}${compared}`;
}
