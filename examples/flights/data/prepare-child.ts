/**
 * The preparing process: source files in, prepared files out, then it ends and gives the engine's
 * memory back. Started by `prepareFlights` alone, with its job as one JSON argument.
 */
import { z } from "zod";
import { writeFileAtomic } from "../../../runtime/atomic-file.ts";
import { WEEK_MS } from "./calendar.ts";
import { decodeFlights, encodeFlights } from "./flights-file.ts";
import { orderByUtc } from "./order-by-utc.ts";
import { permuteLabels } from "./permute-labels.ts";
import { readSource } from "./read-source.ts";
import { writeTrainingSet } from "./training-set.ts";

const Job = z.strictObject({
  flightsPath: z.string(),
  airportsPath: z.string(),
  outPath: z.string(),
  trainingSetPath: z.string(),
  permuteLabels: z.boolean(),
  /** The moment that the last flight must not pass, within one week. */
  nowMs: z.number(),
});
export type PrepareJob = z.infer<typeof Job>;

const job = Job.parse(JSON.parse(process.argv[2] ?? ""));
const source = await readSource(job);
const bytes = encodeFlights(orderByUtc(source.rows, source.states), source.airports);
await writeFileAtomic(job.outPath, bytes);
const unshifted = decodeFlights(bytes, 0);
const lastMs = unshifted.departureMs(unshifted.rows - 1);
const shiftMs = Math.floor((job.nowMs - lastMs) / WEEK_MS) * WEEK_MS;
const flights = decodeFlights(bytes, shiftMs);
await writeTrainingSet(job.permuteLabels ? permuteLabels(flights) : flights, job.trainingSetPath);
process.stdout.write(JSON.stringify({ shiftMs, rows: flights.rows }));
