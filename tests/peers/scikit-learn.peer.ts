/**
 * As somebody new would do it, with a model that is not the flights: a regression of scikit-learn, served
 * from Python, tells of itself by the OpenTelemetry SDK. It shows up by itself, its document is proposed from
 * its traffic, its errors are those that scikit-learn computes, and an input in pounds is found and named.
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { WEEK_MS, startOfWeek } from "../../contract/window.ts";
import { systemClock } from "../../runtime/clock.ts";
import { pythonWith } from "./support/python-venv.ts";
import { type RunningSystem, startSystem } from "./support/running-system.ts";

const MODEL = "diabetes";
const WEEKS = 4;
const PER_HOUR = 6;
const START_MS = startOfWeek(systemClock.nowMs()) - (WEEKS + 1) * WEEK_MS;
const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
const say = (text: string): void => void process.stdout.write(`${text}\n`);

const Week = z.object({
  mae: z.number(),
  rmse: z.number(),
  skill: z.number(),
  bias: z.number(),
  rows: z.number(),
});

const Figure = z.object({
  value: z.number(),
  lower: z.number().nullable(),
  upper: z.number().nullable(),
});
type Figure = z.infer<typeof Figure>;

const METRICS = ["mae", "rmse", "skill", "bias"] as const;

const programs = pythonWith([
  "scikit-learn>=1.5,<2",
  "opentelemetry-sdk>=1.37,<2",
  "opentelemetry-exporter-otlp-proto-http>=1.37,<2",
]);
await using system = await startSystem();

const python = spawn(
  join(programs, "python"),
  [
    join(import.meta.dirname, "scikit-learn", "serve_and_ask.py"),
    ...[system.ready.otlpHttp, MODEL, String(WEEKS), String(PER_HOUR), day(START_MS)],
  ],
  { stdio: ["ignore", "pipe", "inherit"] },
);
let printed = "";
python.stdout.on("data", (chunk) => (printed += chunk));
const ended = once(python, "close");
await until("the model is listed, nobody having said a word", 60_000, async () =>
  (await system.driftmend("model", "list")).includes(MODEL),
);
const [code] = await ended;
deepStrictEqual(code, 0, "the Python program ended badly");
const { weeks } = z.object({ weeks: z.array(Week) }).parse(JSON.parse(printed));

await until("everything is stored", 120_000, async () =>
  (await system.driftmend("status")).includes("everything is stored"),
);
await until("everything is analyzed", 240_000, async () =>
  (await system.driftmend("status")).includes("(replay clock), up to date"),
);
const folder = mkdtempSync(join(tmpdir(), "driftmend-peer-document-"));
const file = join(folder, "diabetes.yaml");
await system.driftmend("model", "init", MODEL, "-o", file);
await system.driftmend(
  "reference",
  "set",
  MODEL,
  "--from",
  day(START_MS),
  "--to",
  day(START_MS + (WEEKS - 1) * WEEK_MS),
);
const { documents } = z
  .object({
    documents: z.array(
      z.looseObject({
        shifts: z.array(z.looseObject({ feature: z.string(), shift: z.number().nullable() })),
        past: z.looseObject({
          alerts: z.array(z.looseObject({ kind: z.string(), title: z.string() })),
        }),
      }),
    ),
  })
  .parse(
    JSON.parse(
      await system.driftmend("model", "apply", "-f", file, "--dry-run", "--past", "10d", "--json"),
    ),
  );
const [preview] = documents;
ok(preview !== undefined);
say(`a dry run of the proposed document: ${JSON.stringify(preview.past.alerts)}`);
ok(
  preview.past.alerts.some(({ kind, title }) => kind === "data-break" && title.includes("bmi")),
  "the dry run must find the broken bmi",
);
deepStrictEqual(preview.shifts.length, 10);
await system.driftmend("model", "apply", "-f", file);

await until("performance of every week is what scikit-learn says", 300_000, () =>
  weeksAgree(system),
);
await driftIsFound(system);
say(`weeks by scikit-learn and by Driftmend: ${JSON.stringify(weeks)}`);

/** The document came after the weeks: they are judged again under it when the next week closes. */
async function weeksAgree({ ready }: RunningSystem): Promise<boolean> {
  const from = new Date(START_MS).toISOString();
  const to = new Date(START_MS + WEEKS * WEEK_MS).toISOString();
  await fetch(`${ready.otlpHttp}/v1/clock`, {
    method: "POST",
    body: JSON.stringify({
      model: MODEL,
      time: new Date(START_MS + (WEEKS + 1) * WEEK_MS).toISOString(),
    }),
  });
  const Performance = z.object({
    realised: z.array(
      z.looseObject({
        from: z.string(),
        version: z.string().nullable(),
        labelled: z.number(),
        metrics: z.record(z.string(), Figure),
      }),
    ),
  });
  const path = `/api/v1/models/${MODEL}/performance?grain=week&from=${from}&to=${to}`;
  const { realised } = Performance.parse(await get(ready, path));
  const ours = realised.filter(({ version }) => version === null);
  if (ours.length < WEEKS) return false;
  for (const [i, week] of weeks.entries()) {
    const own = ours.find((one) => Date.parse(one.from) === START_MS + i * WEEK_MS);
    ok(own !== undefined);
    deepStrictEqual(own.labelled, week.rows);
    const disagreements = METRICS.flatMap((metric) =>
      disagreement(own.metrics[metric], week[metric]).map(
        (text) => `${metric}, week ${i}: ${text}`,
      ),
    );
    deepStrictEqual(disagreements, []);
  }
  return true;
}

function disagreement(ours: Figure | undefined, theirs: number): string[] {
  if (ours === undefined) return ["we have none"];
  const { value, lower, upper } = ours;
  const differs = Math.abs(value - theirs) > 1e-6 * Math.max(1, Math.abs(theirs));
  const isInside = lower !== null && upper !== null && lower < value && value < upper;
  return [
    ...(differs ? [`${value} by us, ${theirs} by scikit-learn`] : []),
    ...(isInside ? [] : [`its interval is ${lower} to ${upper}`]),
  ];
}

async function driftIsFound({ ready }: RunningSystem): Promise<void> {
  const last = START_MS + (WEEKS - 1) * WEEK_MS;
  const path = `/api/v1/models/${MODEL}/drift?from=${new Date(last).toISOString()}&to=${new Date(last + WEEK_MS).toISOString()}`;
  const { features } = z
    .object({ features: z.array(z.looseObject({ feature: z.string(), verdict: z.string() })) })
    .parse(await get(ready, path));
  const drifted = features
    .filter(({ verdict }) => verdict === "drift")
    .map(({ feature }) => feature);
  deepStrictEqual(drifted, ["bmi"]);
}

async function get({ url, readToken }: RunningSystem["ready"], path: string): Promise<unknown> {
  const answer = await fetch(`${url}${path}`, {
    headers: { authorization: `Bearer ${readToken}` },
  });
  return answer.json();
}

async function until(what: string, withinMs: number, check: () => Promise<boolean>): Promise<void> {
  const startedMs = systemClock.monotonicMs();
  while (!(await check())) {
    ok(systemClock.monotonicMs() - startedMs < withinMs, `within ${withinMs} ms: ${what}`);
    await systemClock.sleep(1_000);
  }
  say(`${what}: after ${Math.round((systemClock.monotonicMs() - startedMs) / 1000)} s`);
}
