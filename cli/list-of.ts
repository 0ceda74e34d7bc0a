/** Lists as the API answers them: an array, or an object with one array in it. */
import { z } from "zod";

/** Parses either form; entries that do not fit are errors, further keys of the object are left out. */
export function listOf<S extends z.ZodType>(entry: S) {
  return z.preprocess((answer) => {
    if (Array.isArray(answer) || typeof answer !== "object" || answer === null) return answer;
    return Object.values(answer).find(Array.isArray) ?? answer;
  }, z.array(entry));
}
