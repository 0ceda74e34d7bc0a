/**
 * `npm run test:fuzz -- [--payloads N] [--seed S] [--door NAME]… [--index I] [--json]`: hostile payloads over every
 * door. `--index` feeds one payload of a run again and shows it. Exits 1 when a promise did not hold.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { parseArgs } from "node:util";
import { DOORS, PROCESS_DOORS } from "./doors.ts";
import { describe } from "./door.ts";
import { type DoorReport, fuzzDoor, randomOf } from "./run-fuzz.ts";

const VERDICTS_SHOWN = 15;
const { values } = parseArgs({
  options: {
    payloads: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    door: { type: "string", multiple: true, default: [] },
    index: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
setFlagsFromString("--expose-gc");
globalThis.gc = runInNewContext("gc") as NonNullable<typeof globalThis.gc>;
const say = (line: string): void => void process.stdout.write(`${line}\n`);
// The YAML parser warns of what looks odd, which here is all.
process.removeAllListeners("warning");
const seed = Number(values.seed);
const payloads = Number(values.payloads);
const total = DOORS.reduce((sum, factory) => sum + factory().weight, 0);
const plan = [
  ...DOORS.map((factory) => ({ factory, share: factory().weight / total })),
  ...PROCESS_DOORS.map(([factory, perMillion]) => ({ factory, share: perMillion / 1_000_000 })),
]
  .map(({ factory, share }) => ({ factory, share, name: factory().name }))
  .filter(({ name }) => values.door.length === 0 || values.door.includes(name));
if (values.index !== undefined) await again(Number(values.index));
else await all();

async function again(index: number): Promise<void> {
  for (const { factory, name } of plan) {
    const door = factory();
    const payload = door.make(randomOf(seed, name, index));
    say(`${name} ${index}: ${payload.length} bytes, ${payload.toString("base64")}`);
    const verdict = await Promise.resolve(payload)
      .then((bytes) => door.feed(bytes))
      .catch((error: unknown) => `FAILED ${describe(error)}`);
    say(verdict);
    await door.close?.();
  }
}

/** With one door named, all payloads are its own. */
async function all(): Promise<void> {
  const reports: DoorReport[] = [];
  for (const { factory, share } of plan) {
    const count = Math.ceil(payloads * (plan.length === 1 ? 1 : share));
    const report = await fuzzDoor(factory, {
      seed,
      payloads: count,
      from: 0,
      failuresMax: 20,
      say,
    });
    reports.push(report);
    say(values.json ? JSON.stringify(report) : asText(report));
  }
  const sum = (of: (report: DoorReport) => number): number =>
    reports.reduce((all, report) => all + of(report), 0);
  const failed = sum(({ failures }) => failures.reduce((all, { count }) => all + count, 0));
  say(
    `${sum(({ payloads }) => payloads)} payloads, ${sum(({ accepted }) => accepted)} accepted, ${sum(({ refused }) => refused)} refused, ${failed} failures, ${Math.round(sum(({ seconds }) => seconds))} s`,
  );
  process.exitCode = failed === 0 ? 0 : 1;
}

function asText(report: DoorReport): string {
  const mib = (bytes: number): string => (bytes / 1024 / 1024).toFixed(0);
  const { slowest } = report;
  return [
    `${report.door}: ${report.payloads} payloads (${mib(report.bytes)} MiB) in ${report.seconds.toFixed(1)} s: ${report.accepted} accepted, ${report.refused} refused, ${report.failures.length} kinds of failures`,
    ...(slowest.index < 0
      ? []
      : [
          `  slowest for its size: ${slowest.ms.toFixed(1)} ms for ${slowest.bytes} bytes (index ${slowest.index})`,
        ]),
    `  RSS in MiB at each fifth: ${report.rss.map(mib).join(", ")}; of this process in use ${mib(report.heapWarm)} and ${mib(report.heapEnd)} MiB`,
    ...Object.entries(report.verdicts)
      .slice(0, VERDICTS_SHOWN)
      .map(([verdict, count]) => `  ${String(count).padStart(8)} ${verdict}`),
  ].join("\n");
}
