/**
 * Data breaks over time: opened by the first broken day, extended by the next, closed by two clean days in a
 * row. Pure; ids follow from model time and segment, so a day evaluated again changes nothing.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { BrokenColumn } from "../../contract/alert.ts";

export const OpenBreak = z.strictObject({
  id: z.string(),
  /** Empty: all rows. */
  tag: z.string(),
  values: z.array(z.string()),
  columns: z.array(z.string()),
  details: z.array(BrokenColumn),
  fromMs: z.int(),
  /** End of the last broken day. */
  brokenToMs: z.int(),
  brokenDays: z.int(),
  cleanDays: z.int(),
  rows: z.int(),
  revision: z.int(),
  /** Ended by a person: it is watched until it is over, and nothing is kept out because of it. */
  released: z.boolean(),
});
export type OpenBreak = z.infer<typeof OpenBreak>;

/** What one day showed of one tag (empty: of all rows). */
export interface FoundBreak {
  readonly tag: string;
  readonly values: readonly string[];
  readonly columns: readonly string[];
}

export interface TrackedDay {
  readonly open: readonly OpenBreak[];
  /** Opened or broken again today; to be named and written. */
  readonly broken: readonly OpenBreak[];
  /** Over: clean since `brokenToMs`. */
  readonly closed: readonly OpenBreak[];
}

export const CLEAN_DAYS_TO_CLOSE = 2;

export function trackBreaks(
  model: string,
  open: readonly OpenBreak[],
  found: readonly FoundBreak[],
  day: { readonly fromMs: number; readonly toMs: number },
): TrackedDay {
  const left = [...found];
  const still: OpenBreak[] = [];
  const broken: OpenBreak[] = [];
  const closed: OpenBreak[] = [];
  for (const entry of open) {
    const again = left.findIndex((candidate) => isSame(entry, candidate));
    const seen = left[again];
    if (seen !== undefined) {
      left.splice(again, 1);
      const extended = extend(entry, seen, day.toMs);
      still.push(extended);
      broken.push(extended);
      continue;
    }
    const cleanDays = entry.cleanDays + 1;
    if (cleanDays >= CLEAN_DAYS_TO_CLOSE) {
      closed.push({ ...entry, cleanDays, revision: entry.revision + 1 });
    } else {
      still.push({ ...entry, cleanDays });
    }
  }
  for (const candidate of left) {
    const opened = begin(model, candidate, day);
    still.push(opened);
    broken.push(opened);
  }
  return { open: still, broken, closed };
}

const isSame = (entry: OpenBreak, found: FoundBreak): boolean =>
  entry.tag === found.tag &&
  (entry.tag === "" || entry.values.some((value) => found.values.includes(value)));

function extend(entry: OpenBreak, found: FoundBreak, toMs: number): OpenBreak {
  return {
    ...entry,
    values: union(entry.values, found.values),
    columns: union(entry.columns, found.columns),
    brokenToMs: toMs,
    brokenDays: entry.brokenDays + 1,
    cleanDays: 0,
    revision: entry.revision + 1,
  };
}

function begin(
  model: string,
  found: FoundBreak,
  day: { readonly fromMs: number; readonly toMs: number },
): OpenBreak {
  const values = union(found.values, []);
  const key = [model, found.tag, ...values, String(day.fromMs)].join("\n");
  return {
    id: `q-${createHash("sha256").update(key).digest("hex").slice(0, 10)}`,
    tag: found.tag,
    values,
    columns: union(found.columns, []),
    details: [],
    fromMs: day.fromMs,
    brokenToMs: day.toMs,
    brokenDays: 1,
    cleanDays: 0,
    rows: 0,
    revision: 1,
    released: false,
  };
}

const union = (a: readonly string[], b: readonly string[]): string[] =>
  [...new Set([...a, ...b])].sort();
