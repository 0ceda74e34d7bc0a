/** What is asked to be erased, and the hashes by which everything but the request itself names it. Pure. */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { ErasureKind } from "../../store/queries/erasures.ts";

const by = z.string().min(1).max(200).prefault("api");
const reason = z.string().max(1_000).prefault("");
const dryRun = z.boolean().prefault(false);

/** One prediction by its id, or every row whose tag or feature has a value. */
export const ErasureBody = z.strictObject({
  model: z.string().min(1),
  what: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("prediction"), id: z.string().min(1) }),
    z.strictObject({
      kind: z.enum(["tag", "feature"]),
      name: z.string().min(1),
      value: z.string(),
    }),
  ]),
  by,
  reason,
  dryRun,
});
export type ErasureBody = z.output<typeof ErasureBody>;

export interface Subject {
  readonly model: string;
  readonly kind: ErasureKind;
  /** Empty for a prediction. */
  readonly name: string;
  readonly hashes: string[];
}

export function subjectOf({ model, what }: Pick<ErasureBody, "model" | "what">): Subject {
  if (what.kind === "prediction") {
    return { model, kind: what.kind, name: "", hashes: [sha(model, what.id)] };
  }
  const { kind, name, value } = what;
  return { model, kind, name, hashes: spellings(value).map((one) => sha(model, kind, name, one)) };
}

/** A number as it was written, and as the engine writes it. */
export function spellings(value: string): string[] {
  const asNumber = value.trim() === "" ? Number.NaN : Number(value);
  return [...new Set([value, ...(Number.isFinite(asNumber) ? [String(asNumber)] : [])])];
}

const sha = (...parts: readonly string[]): string =>
  createHash("sha256").update(parts.join("\0")).digest("hex").toUpperCase();

/** By what it erases and when it was asked: a new one each time. */
export const erasureId = ({ model, kind, name, hashes }: Subject, askedMs: number): string =>
  sha(model, kind, name, ...hashes, String(askedMs))
    .slice(0, 16)
    .toLowerCase();
