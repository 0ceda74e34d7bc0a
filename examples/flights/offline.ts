/**
 * `node examples/flights/offline.ts`: the story without any service, in a minute, to compare the running
 * system with and to change the settings of FLIGHTS knowingly. Options: --no-troubles, --seed N,
 * --permute-labels, --skip-quarantine, --l2 X, --label-seed N, --data DIR, --json.
 *
 * What was decided where a description leaves room, because it reproduces the figures: ridge l2/2 |w|²
 * on the summed loss with l2 = 10 and a free intercept; means over rows (not over days) with errors
 * clustered by day, K - 1 degrees of freedom; the probe, and with it the challenger, trains on weeks 6–9
 * in full and on live rows whose label is known on Monday 00:00 and whose departure lies seven days and
 * more before it; broken rows are in no training set, no block and no figure.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { systemClock } from "../../runtime/clock.ts";
import { prepareFlights } from "./data/prepare-flights.ts";
import { figuresOf } from "./offline/figures.ts";
import { quarantineGains } from "./offline/quarantine-gain.ts";
import { figureLines, weekLine } from "./offline/report.ts";
import { tellStory } from "./offline/story.ts";
import { worldOf } from "./offline/world.ts";
import { reportTroubles } from "./trouble-report.ts";
import { planTroubles } from "./troubles.ts";

const { values } = parseArgs({
  options: {
    "no-troubles": { type: "boolean", default: false },
    "permute-labels": { type: "boolean", default: false },
    "skip-quarantine": { type: "boolean", default: false },
    seed: { type: "string" },
    l2: { type: "string", default: "10" },
    "label-seed": { type: "string", default: "0" },
    data: { type: "string", default: join(tmpdir(), "driftmend-flights") },
    json: { type: "boolean", default: false },
  },
});

const say = (line: string): void => {
  if (!values.json) process.stdout.write(`${line}\n`);
};
const startedMs = systemClock.monotonicMs();
const permute = values["permute-labels"];
const { flights } = await prepareFlights({
  folder: permute ? `${values.data}-permuted` : values.data,
  nowMs: systemClock.nowMs(),
  permuteLabels: permute,
});
const troubles = values["no-troubles"]
  ? null
  : planTroubles(values.seed === undefined ? undefined : Number(values.seed));
const settings = { l2: Number(values.l2), embargoDays: 7 };
const world = worldOf(flights, troubles, Number(values["label-seed"]));
const story = tellStory(world, {
  ...settings,
  skipQuarantine: values["skip-quarantine"],
  onWeek: (week) => say(weekLine(week)),
});
const figures = figuresOf(story);
const gains = troubles === null ? [] : quarantineGains(world, troubles.dataBreak.week, settings);
const planted = troubles === null ? [] : reportTroubles(troubles, flights);
if (values.json) {
  const weeks = story.weeks.map(({ week, probe, calibration, refitCalibration, promoted }) => ({
    week,
    probe,
    calibration,
    refitCalibration,
    promoted,
  }));
  process.stdout.write(
    `${JSON.stringify({ troubles: planted, checks: weeks, ...figures, quarantineGains: gains })}\n`,
  );
} else {
  for (const line of figureLines(figures)) say(line);
  for (const { week, gain } of gains) {
    say(`trained on the broken rows at the end of week ${week}: log-loss ${gain.toFixed(4)} more`);
  }
  say(`${((systemClock.monotonicMs() - startedMs) / 1000).toFixed(1)} s`);
}
