/**
 * Quality of one feature's values in a day: missing ones, values outside the declared range, categories
 * that the reference does not know. A share must be large, beyond the reference's own, and beyond chance.
 */
import { binomialUpperTail } from "../../stats/index.ts";
import type { FeatureWindow } from "../features/feature-window.ts";

export type QualityCheck = "missing" | "range" | "new-categories";

export interface QualityVerdict {
  readonly check: QualityCheck;
  readonly breach: boolean;
  readonly share: number;
  readonly usual: number;
  readonly rows: number;
  readonly pValue: number;
}

/** A share must exceed the usual one by this much, and by half of it again. */
const EXCESS_MIN = 0.01;
const EXCESS_FACTOR = 1.5;
const P_MAX = 1e-6;

/** @param range as declared, both ends allowed */
export function judgeQuality(
  today: FeatureWindow,
  reference: FeatureWindow,
  range: readonly [number, number] | undefined,
): readonly QualityVerdict[] {
  const verdicts = [judge("missing", missingShare(today), missingShare(reference), today.rows)];
  if (today.kind === "numeric" && range !== undefined) {
    verdicts.push(
      judge("range", outsideShare(today, range), outsideShare(reference, range), today.rows),
    );
  }
  if (today.kind === "categorical" && reference.kind === "categorical") {
    const known = reference.counts.counts;
    verdicts.push(judge("new-categories", newShare(today, known), 0, today.rows));
  }
  return verdicts;
}

function judge(check: QualityCheck, share: number, usual: number, rows: number): QualityVerdict {
  const allowed = Math.max(usual + EXCESS_MIN, usual * EXCESS_FACTOR);
  const pValue =
    rows === 0 || share <= allowed ? 1 : binomialUpperTail(Math.round(share * rows), rows, allowed);
  return { check, breach: share > allowed && pValue < P_MAX, share, usual, rows, pValue };
}

function missingShare(window: FeatureWindow): number {
  if (window.rows === 0) return 0;
  const { missing } = window.counts;
  const nonFinite = window.kind === "numeric" ? window.counts.nonFinite : 0;
  return (missing + nonFinite) / window.rows;
}

/** Rows in cells whose mean lies outside; exact where a cell holds one value only, as integers do. */
export function outsideShare(window: FeatureWindow, [from, to]: readonly [number, number]): number {
  if (window.kind !== "numeric" || window.rows === 0) return 0;
  const { n, sum } = window.counts;
  let outside = 0;
  n.forEach((rows, i) => {
    const mean = (sum[i] ?? 0) / rows;
    if (mean < from || mean > to) outside += rows;
  });
  return outside / window.rows;
}

function newShare(window: FeatureWindow, known: ReadonlyMap<string, number>): number {
  if (window.kind !== "categorical" || window.rows === 0) return 0;
  let rows = 0;
  for (const [category, n] of window.counts.counts) if (!known.has(category)) rows += n;
  return rows / window.rows;
}
