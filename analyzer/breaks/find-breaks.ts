/**
 * The broken inputs of one day: per declared tag against the other values of the same day, and all rows
 * against the same weekdays before. Pure; values that broke in the same columns are one finding.
 */
import { decideDrift, driftEvidence } from "../../stats/index.ts";
import { type FeatureReference, project, withReference } from "../features/feature-reference.ts";
import {
  ALL_ROWS,
  type FeatureWindow,
  type WindowSet,
  addWindows,
} from "../features/feature-window.ts";
import { type SegmentBreak, judgeSegments } from "./judge-segments.ts";
import type { FoundBreak } from "./track-breaks.ts";

/** Beyond a drift's floor: a break of all rows is a change that nobody overlooks. */
const TOTAL_PSI_MIN = 0.25;
const TOTAL_ALPHA = 1e-4;
const WEEKDAYS_MIN = 2;

export interface DayOfWindows {
  readonly day: WindowSet;
  /** All rows of the same weekdays before, newest first. */
  readonly before: readonly WindowSet[];
  readonly tags: readonly string[];
}

export function findBreaks(
  references: ReadonlyMap<string, FeatureReference>,
  given: DayOfWindows,
): readonly FoundBreak[] {
  const bySegment = given.tags.flatMap((tag) =>
    groupByColumns(tag, breaksOfTag(references, given, tag)),
  );
  // A break of one sender moves all rows too; it is named where it happened.
  const explained = new Set(bySegment.flatMap(({ columns }) => columns));
  const total = totalBreaks(references, given).filter((feature) => !explained.has(feature));
  return total.length === 0 ? bySegment : [...bySegment, { tag: "", values: [], columns: total }];
}

function breaksOfTag(
  references: ReadonlyMap<string, FeatureReference>,
  given: DayOfWindows,
  tag: string,
): readonly SegmentBreak[] {
  return [...references.values()].flatMap((reference) => {
    const day = countsByValue(reference, given.day.get(reference.feature), tag);
    if (day.size < 2) return [];
    const before = countsByValue(reference, reference.segments, tag);
    return judgeSegments({ feature: reference.feature, day, reference: before });
  });
}

function countsByValue(
  reference: FeatureReference,
  windows: ReadonlyMap<string, FeatureWindow> | undefined,
  tag: string,
): ReadonlyMap<string, Float64Array> {
  const counts = new Map<string, Float64Array>();
  for (const [key, window] of windows ?? []) {
    const [of, value] = key.split("\u0000");
    if (of !== tag || value === undefined || window.kind !== reference.histogram.kind) continue;
    counts.set(value, project(reference.histogram, window));
  }
  return counts;
}

function groupByColumns(tag: string, breaks: readonly SegmentBreak[]): readonly FoundBreak[] {
  const columnsOf = new Map<string, string[]>();
  for (const { value, feature } of breaks) {
    columnsOf.set(value, [...(columnsOf.get(value) ?? []), feature].sort());
  }
  const groups = new Map<string, { columns: string[]; values: string[] }>();
  for (const [value, columns] of columnsOf) {
    const key = columns.join("\u0000");
    const group = groups.get(key) ?? { columns, values: [] };
    group.values.push(value);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ columns, values }) => ({
    tag,
    values: values.sort(),
    columns,
  }));
}

function totalBreaks(
  references: ReadonlyMap<string, FeatureReference>,
  given: DayOfWindows,
): readonly string[] {
  return [...references.values()].flatMap((reference) => {
    const today = given.day.get(reference.feature)?.get(ALL_ROWS);
    const before = given.before.flatMap((set) => set.get(reference.feature)?.get(ALL_ROWS) ?? []);
    if (today === undefined || before.length < WEEKDAYS_MIN) return [];
    const kinds = new Set([
      today.kind,
      reference.histogram.kind,
      ...before.map(({ kind }) => kind),
    ]);
    if (kinds.size > 1) return [];
    const past = addWindows(before);
    const histogram = withReference(reference.histogram, project(reference.histogram, past));
    const evidence = driftEvidence({
      histogram,
      current: project(histogram, today),
      designEffect: reference.effect,
      blocks: { reference: before.length, current: 1 },
    });
    const floors = { psi: TOTAL_PSI_MIN, jensenShannon: 1, wasserstein: Number.POSITIVE_INFINITY };
    const verdict = decideDrift(evidence, { alpha: TOTAL_ALPHA, floors, rowsEffectiveMin: 5 });
    return verdict.verdict === "drift" ? [reference.feature] : [];
  });
}
