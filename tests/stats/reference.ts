/** The outside referee: vectors of scipy and friends, made by tests/reference/generate.py. */
import { readFileSync } from "node:fs";
import { expect } from "vitest";

export interface SampleCase {
  readonly a: number[];
  readonly b: number[];
  readonly ks: number;
  readonly wasserstein: number;
  readonly cramerVonMises: number | null;
  readonly quantiles: [number, number][];
}

export interface CountCase {
  readonly a: number[];
  readonly b: number[];
  readonly populationStabilityIndex: number;
  readonly jensenShannonDistance: number;
  readonly jensenShannonDivergence: number;
  readonly hellinger: number;
  readonly totalVariation: number;
  readonly chiSquare: number;
  readonly pValue: number;
}

export interface MetricCase {
  readonly score: number[];
  readonly label: number[];
  readonly weight: number[];
  readonly logLoss: number;
  readonly logLossSklearn: number;
  readonly brier: number;
  readonly auc: number;
  readonly aucWeighted: number;
  readonly accuracy: number;
  readonly f1: number;
  readonly entropy: number;
  readonly isotonic: [number, number][];
}

export interface ClusteredCase {
  readonly sums: number[];
  readonly rows: number[];
  readonly mean: number;
  readonly standardError: number;
  readonly t: number;
  readonly lower: number;
  readonly upper: number;
  readonly blockMeans: { readonly mean: number; readonly standardError: number };
}

export interface Reference {
  readonly versions: Record<string, string>;
  readonly distributions: Record<string, number[][]>;
  readonly samples: SampleCase[];
  readonly counts: CountCase[];
  readonly metrics: MetricCase[];
  readonly clustered: ClusteredCase[];
  readonly corrections: {
    readonly p: number[];
    readonly holm: number[];
    readonly benjaminiHochberg: number[];
  };
}

export const reference = JSON.parse(
  readFileSync(new URL("../reference/scipy.json", import.meta.url), "utf8"),
) as Reference;

/** Equal to a relative error; absolute below the smallest normal magnitude that matters. */
export function expectClose(actual: number, expected: number, relative: number, note = ""): void {
  const error = Math.abs(actual - expected) / Math.max(Math.abs(expected), 1e-300);
  expect(
    actual === expected || error <= relative,
    `${note} is ${actual}, not ${expected}: relative error ${error}`,
  ).toBe(true);
}
