/** What the analyzer's routes need, and how their inputs are read. */
import { z } from "zod";
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

/** Numbers as JSON knows them: what is not finite is null. */
export const finite = (value: number | null): number | null =>
  value !== null && Number.isFinite(value) ? value : null;
