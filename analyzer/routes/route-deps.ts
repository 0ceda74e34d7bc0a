/** What the analyzer's routes need, and how their inputs are read. */
import { z } from "zod";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { DAY_MS } from "../../contract/window.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Store } from "../../store/client.ts";
import type { Analyzer } from "../analyzer.ts";

export interface RouteDeps {
  readonly analyzer: Analyzer;
  readonly store: Store;
  readonly clock: Clock;
}

export const OfModel = z.object({ model: z.string().min(1) });
export const ACT = { config: { access: "act" } } as const;

/** RFC 3339 → milliseconds. */
export const time = z.iso
  .datetime({ offset: true })
  .transform((text) => Date.parse(text))
  .refine((ms) => Number.isFinite(ms), "expected an RFC 3339 time");

/** `tag=value`, as segments are written in queries. */
export const segment = z
  .string()
  .regex(/^[^=]+=.*$/, "expected tag=value")
  .transform((text) => {
    const at = text.indexOf("=");
    return { tag: text.slice(0, at), value: text.slice(at + 1) };
  });

/** A flag of a query: present and empty counts as set. */
export const flag = z
  .enum(["", "true", "false", "1", "0"])
  .transform((text) => text === "" || text === "true" || text === "1");

export const rfc3339 = (ms: number): string => new Date(ms).toISOString();

export const SpanQuery = z.object({ from: time.optional(), to: time.optional() });

/**
 * The asked span; by default the last day before the model's time.
 * @throws {DriftmendError} request_invalid: it ends before it begins
 */
export function daySpanOf(
  model: string,
  query: z.output<typeof SpanQuery>,
  { analyzer, clock }: RouteDeps,
): { readonly fromMs: number; readonly toMs: number } {
  const toMs = query.to ?? analyzer.watchedMs(model) ?? clock.nowMs();
  const fromMs = query.from ?? toMs - DAY_MS;
  if (fromMs >= toMs) throw noSpan(fromMs, toMs);
  return { fromMs, toMs };
}

export const noSpan = (fromMs: number, toMs: number): DriftmendError =>
  new DriftmendError("request_invalid", {
    retry: "never",
    message: `Cannot look at a span as "from" must be before "to": ${rfc3339(fromMs)} and ${rfc3339(toMs)}`,
  });

/** Numbers as JSON knows them: what is not finite is null. */
export const finite = (value: number | null): number | null =>
  value !== null && Number.isFinite(value) ? value : null;
