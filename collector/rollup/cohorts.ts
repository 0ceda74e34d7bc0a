/**
 * Cohorts: the rows of one model, version, time bucket and segment within a group, numbered as they
 * appear. Every row belongs to the cohort of all rows and to one for each declared tag that it carries.
 */

export interface Cohort {
  readonly model: string;
  readonly version: string;
  /** Start of the bucket. */
  readonly timeMs: number;
  /** Empty: all rows. */
  readonly segmentTag: string;
  readonly segmentValue: string;
  /** Only in the rollups of models; empty elsewhere. */
  readonly error: string;
  /** Requests that each row stands for beside itself; only in the rollups of models, 0 elsewhere. */
  readonly unkept: number;
}

export class Cohorts {
  readonly all: Cohort[] = [];
  private readonly numbers = new Map<string, number>();

  numberOf(cohort: Cohort): number {
    const { model, version, timeMs, segmentTag, segmentValue, error, unkept } = cohort;
    const key = JSON.stringify([model, version, timeMs, segmentTag, segmentValue, error, unkept]);
    const known = this.numbers.get(key);
    if (known !== undefined) return known;
    this.numbers.set(key, this.all.length);
    this.all.push(cohort);
    return this.all.length - 1;
  }
}
