/**
 * The data breaks of one closed day: found in the rollups, named from raw values, kept as quarantine, told
 * as tickets. A break is one row of `quarantine` and one alert, however many segment values it has.
 */
import type { DataBreakFinding } from "../../contract/alert.ts";
import { LIMITS } from "../../contract/limits.ts";
import { type Window, WEEK_MS, windowName } from "../../contract/window.ts";
import { brokenCategories, brokenNumbers } from "../../store/queries/break-values.ts";
import { trafficDays } from "../../store/queries/model-traffic.ts";
import { countValues } from "../../stats/index.ts";
import { type Candidate, UNEXPLAINED, explainColumn } from "../breaks/explain-column.ts";
import { findBreaks } from "../breaks/find-breaks.ts";
import { findingOf, reasonOf } from "../breaks/finding.ts";
import {
  CLEAN_DAYS_TO_CLOSE,
  type FoundBreak,
  type OpenBreak,
  trackBreaks,
} from "../breaks/track-breaks.ts";
import type { Evaluation, StageDeps } from "../evaluation.ts";
import { ALL_ROWS, type FeatureWindow, type WindowSet } from "../features/feature-window.ts";
import { readSpan } from "../features/read-span.ts";
import { END_MS, type Quarantined } from "../memory.ts";
import type { ModelReference } from "../reference/load-reference.ts";

const WEEKDAYS_BEFORE = 4;
/** Broken days after which more rows no longer change the name. */
const NAMED_DAYS_MAX = 3;
/** Categorical columns by which a shift may differ. */
const CONTEXTS_MAX = 4;

/** @param day windows of the closed day, all segments */
export async function evaluateBreaks(
  evaluation: Evaluation,
  reference: ModelReference,
  day: { readonly window: Window; readonly windows: WindowSet },
  deps: StageDeps,
): Promise<void> {
  const { model, document } = evaluation.context;
  const seen = findBreaks(reference.features, {
    day: day.windows,
    before: await sameWeekdays(evaluation, day.window, deps),
    tags: document.segments,
  });
  rememberDay(evaluation, day);
  const found = await withNames(evaluation, reference, seen, day, deps);
  if (found.length === 0 && evaluation.memory.breaks.length === 0) return;
  const tracked = trackBreaks(model, evaluation.memory.breaks, found, day.window);
  const known = new Map(tracked.open.map((entry) => [entry.id, entry]));
  for (const entry of tracked.broken) {
    const named = await nameBreak(evaluation, reference, entry, day, deps);
    known.set(entry.id, { ...named, rows: await rowsOfBreak(model, named, deps) });
  }
  const open = [...known.values()];
  evaluation.memory = {
    ...evaluation.memory,
    breaks: open,
    quarantined: quarantinedAfter(evaluation.memory.quarantined, open, tracked.closed),
  };
  const touched = new Set(tracked.broken.map(({ id }) => id));
  await storeQuarantine(
    evaluation,
    [...open.filter(({ id }) => touched.has(id)), ...tracked.closed],
    day.window,
    deps,
  );
  for (const entry of open) tell(evaluation, entry, touched.has(entry.id), day.window);
  for (const entry of tracked.closed) tell(evaluation, entry, false, day.window);
}

/**
 * Without changes of all rows that nothing explains: where no sender differs from the others, only a factor,
 * a shift, a constant or missing values say that it is the data and not the world.
 */
async function withNames(
  evaluation: Evaluation,
  reference: ModelReference,
  found: readonly FoundBreak[],
  day: { readonly window: Window; readonly windows: WindowSet },
  deps: StageDeps,
): Promise<readonly FoundBreak[]> {
  const named: FoundBreak[] = [];
  for (const candidate of found) {
    const isOpen = evaluation.memory.breaks.some(({ tag }) => tag === "");
    if (candidate.tag !== "" || isOpen) {
      named.push(candidate);
      continue;
    }
    const [begun] = trackBreaks(evaluation.context.model, [], [candidate], day.window).open;
    if (begun === undefined) continue;
    const { details } = await nameBreak(evaluation, reference, begun, day, deps);
    const columns = details
      .filter((detail) => detail.change !== "other" || detail.text !== UNEXPLAINED)
      .map(({ column }) => column);
    if (columns.length > 0) named.push({ ...candidate, columns });
  }
  return named;
}

/** All rows of the same weekdays before, without days on which any rows were broken. */
async function sameWeekdays(
  evaluation: Evaluation,
  window: Window,
  deps: StageDeps,
): Promise<readonly WindowSet[]> {
  const { model, grids } = evaluation.context;
  const sets: WindowSet[] = [];
  for (let week = 1; week <= WEEKDAYS_BEFORE; week++) {
    const fromMs = window.fromMs - week * WEEK_MS;
    const toMs = window.toMs - week * WEEK_MS;
    const broken = evaluation.memory.quarantined.some(
      (entry) => entry.fromMs < toMs && (entry.toMs ?? END_MS) > fromMs,
    );
    if (broken) continue;
    const { days } = evaluation.readAhead;
    const span = { model, fromMs, toMs, tags: [""], version: "" };
    const windows = days.get(fromMs) ?? (await readSpan(span, grids, deps.store));
    days.set(fromMs, windows);
    if (windows.size > 0) sets.push(windows);
  }
  return sets;
}

/** Keeps all rows of the day for the same weekdays to come, and drops what is too old for them. */
function rememberDay(
  evaluation: Evaluation,
  day: { readonly window: Window; readonly windows: WindowSet },
): void {
  const { days } = evaluation.readAhead;
  const all = new Map<string, ReadonlyMap<string, FeatureWindow>>();
  for (const [feature, segments] of day.windows) {
    const window = segments.get(ALL_ROWS);
    if (window !== undefined) all.set(feature, new Map([[ALL_ROWS, window]]));
  }
  days.set(day.window.fromMs, all);
  for (const fromMs of days.keys()) {
    if (fromMs < day.window.fromMs - WEEKDAYS_BEFORE * WEEK_MS) days.delete(fromMs);
  }
}

async function nameBreak(
  evaluation: Evaluation,
  reference: ModelReference,
  entry: OpenBreak,
  day: { readonly windows: WindowSet },
  deps: StageDeps,
): Promise<OpenBreak> {
  const unnamed = entry.columns.filter(
    (column) => !entry.details.some((detail) => detail.column === column),
  );
  if (unnamed.length === 0 && entry.brokenDays > NAMED_DAYS_MAX) return entry;
  const details = [];
  for (const column of entry.columns) {
    const candidates = await candidatesOf(evaluation, reference, entry, column, day, deps);
    details.push(explainColumn(column, candidates));
  }
  return { ...entry, details };
}

async function candidatesOf(
  evaluation: Evaluation,
  reference: ModelReference,
  entry: OpenBreak,
  column: string,
  day: { readonly windows: WindowSet },
  deps: StageDeps,
): Promise<readonly Candidate[]> {
  const { document, model } = evaluation.context;
  const kinds = [...reference.features.values()];
  const kind = kinds.find(({ feature }) => feature === column)?.histogram.kind;
  const params = {
    model,
    fromMs: entry.tag === "" ? entry.fromMs - WEEK_MS : entry.fromMs,
    toMs: entry.brokenToMs,
    tag: entry.tag,
    brokenValues: entry.values,
    cleanValues: cleanValues(evaluation, entry, day.windows),
    splitMs: entry.fromMs,
    column,
    rows: LIMITS.breakRowsMax * 2,
  };
  if (kind === "categorical") {
    const sides = await deps.store.query(brokenCategories, { ...params, by: "" });
    return [{ by: null, input: categoryInput(sides) }];
  }
  const contexts = kinds
    .filter(
      ({ feature, histogram }) =>
        histogram.kind === "categorical" && !entry.columns.includes(feature),
    )
    .map(({ feature }) => feature)
    .slice(0, CONTEXTS_MAX);
  const period = document.features[column]?.period;
  const candidates: Candidate[] = [];
  for (const by of ["", ...contexts]) {
    const sides = await deps.store.query(brokenNumbers, { ...params, by });
    candidates.push({ by: by === "" ? null : by, input: numberInput(sides, by !== "", period) });
  }
  return candidates;
}

/** Values of the tag that are not broken by this or another entry. */
function cleanValues(evaluation: Evaluation, entry: OpenBreak, windows: WindowSet): string[] {
  const broken = new Set(
    evaluation.memory.breaks.flatMap(({ tag, values }) => (tag === entry.tag ? values : [])),
  );
  for (const value of entry.values) broken.add(value);
  const values = new Set<string>();
  for (const segments of windows.values()) {
    for (const key of segments.keys()) {
      const [tag, value] = key.split("\u0000");
      if (tag === entry.tag && value !== undefined && !broken.has(value)) values.add(value);
    }
  }
  return [...values].sort();
}

interface NumberSide {
  readonly broken: number;
  readonly group: string;
  readonly values: readonly number[];
  readonly counts: readonly number[];
  readonly missing: number;
}

function numberInput(
  sides: readonly NumberSide[],
  grouped: boolean,
  period: number | undefined,
): Candidate["input"] {
  const pick = (broken: number, group?: string) => {
    const rows = sides.filter(
      (side) => side.broken === broken && (group === undefined || side.group === group),
    );
    return countValues(
      rows.flatMap(({ values }) => values),
      rows.flatMap(({ counts }) => counts),
    );
  };
  const missing = (broken: number): number =>
    sides.reduce((sum, side) => sum + (side.broken === broken ? side.missing : 0), 0);
  const whole = sides.every(({ values }) => values.every(Number.isInteger));
  const names = grouped ? [...new Set(sides.map(({ group }) => group))] : [];
  return {
    kind: "numeric",
    clean: pick(0),
    broken: pick(1),
    cleanMissing: missing(0),
    brokenMissing: missing(1),
    ...(period === undefined || !whole ? {} : { period }),
    ...(grouped
      ? { groups: names.map((name) => ({ name, clean: pick(0, name), broken: pick(1, name) })) }
      : {}),
  };
}

function categoryInput(
  sides: readonly {
    readonly broken: number;
    readonly values: readonly string[];
    readonly counts: readonly number[];
    readonly missing: number;
  }[],
): Candidate["input"] {
  const pick = (broken: number) => {
    const side = sides.find((candidate) => candidate.broken === broken);
    return new Map(side?.values.map((value, i) => [value, side.counts[i] ?? 0]) ?? []);
  };
  const missing = (broken: number) => sides.find((side) => side.broken === broken)?.missing ?? 0;
  return {
    kind: "categorical",
    clean: pick(0),
    broken: pick(1),
    cleanMissing: missing(0),
    brokenMissing: missing(1),
  };
}

async function rowsOfBreak(model: string, entry: OpenBreak, deps: StageDeps): Promise<number> {
  const days = await deps.store.query(trafficDays, {
    ...{ model, fromMs: entry.fromMs, toMs: entry.brokenToMs },
  });
  return days
    .filter(
      (row) =>
        row.segment_tag === entry.tag &&
        (entry.tag === "" || entry.values.includes(row.segment_value)),
    )
    .reduce((sum, { n }) => sum + n, 0);
}

function quarantinedAfter(
  before: readonly Quarantined[],
  open: readonly OpenBreak[],
  closed: readonly OpenBreak[],
): Quarantined[] {
  const changed = new Map<string, Quarantined>();
  for (const { id, tag, values, fromMs, released } of open) {
    if (!released) changed.set(id, { id, tag, values, fromMs, toMs: null });
  }
  for (const { id, tag, values, fromMs, brokenToMs, released } of closed) {
    if (!released) changed.set(id, { id, tag, values, fromMs, toMs: brokenToMs });
  }
  return [...before.filter(({ id }) => !changed.has(id)), ...changed.values()];
}

async function storeQuarantine(
  evaluation: Evaluation,
  entries: readonly OpenBreak[],
  window: Window,
  deps: StageDeps,
): Promise<void> {
  const { model } = evaluation.context;
  const rows = entries
    .filter(({ released }) => !released)
    .map((entry) => {
      const isClosed = entry.cleanDays >= CLEAN_DAYS_TO_CLOSE;
      return {
        id: entry.id,
        model,
        tag: entry.tag,
        values: entry.values,
        from: entry.fromMs,
        to: isClosed ? entry.brokenToMs : END_MS,
        columns: entry.columns,
        reason: reasonOf(entry),
        finding: JSON.stringify(findingOf(entry, isClosed)),
        rows: entry.rows,
        // Daily windows are judged when they close.
        created: entry.fromMs + (window.toMs - window.fromMs),
        released: null,
        revision: entry.revision,
        detail: "",
      };
    });
  await deps.store.insert("quarantine", rows);
}

function tell(evaluation: Evaluation, entry: OpenBreak, breach: boolean, window: Window): void {
  const finding: DataBreakFinding = findingOf(entry, entry.cleanDays >= CLEAN_DAYS_TO_CLOSE);
  const where = entry.tag === "" ? "all rows" : `${entry.tag} ${entry.values.join(", ")}`;
  evaluation.observe(
    {
      kind: "data-break",
      subject: entry.id,
      severity: "ticket",
      cause: "data",
      title: `${entry.columns.join(" and ")} broken in ${where}`,
      text: reasonOf(entry),
      cost: `${entry.rows} predictions were made on wrong inputs; they are kept out of every data set`,
      causeText: "the data: these rows differ from all others of the same days, so it is no drift",
      where,
      certainty: `seen on ${entry.brokenDays} of the days since; other values of the same days are sound`,
      loop: "a run that would be due is answered with INVESTIGATE until two days are clean",
      numbers: { rows: entry.rows, brokenDays: entry.brokenDays, quarantine: entry.id },
      finding,
      windows: breach ? [windowName(window)] : [],
    },
    { breach, fromMs: entry.fromMs, toMs: entry.brokenToMs },
    window.toMs,
    { breachesToFire: 1, cleanToResolve: CLEAN_DAYS_TO_CLOSE },
  );
}
