/** Shares as documents and settings write them. */
import { z } from "zod";

/** "0.1%" or 0.001 → a fraction. */
export const Fraction = z
  .union([z.number(), z.string().regex(/^\d+(\.\d+)?%$/, "expected e.g. 0.1% or 0.001")])
  .transform((value) => (typeof value === "number" ? value : Number.parseFloat(value) / 100));
