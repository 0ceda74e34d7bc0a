/** Panels of what model servers say of themselves: GPU, processor, memory, queue, beside their own count of requests. */
import { BUCKET_OF_SAMPLE, SAMPLES_IN_RANGE, THIS_MODEL } from "./conditions.ts";
import { colored, curves } from "./panels.ts";

const NOTHING = "no server of this model tells it (docs/operations.md)";
const SERIES = "concat(instance, if(part = '', '', concat(' ', part)))";

interface LevelSpec {
  readonly title: string;
  readonly description: string;
  readonly unit: string;
  readonly measures: string;
  readonly max?: number;
}

const levels = ({ title, description, unit, measures, max }: LevelSpec) =>
  curves({
    ...{ title, description, unit },
    size: [8, 8],
    min: 0,
    ...(max === undefined ? {} : { softMax: max }),
    interval: "1m",
    label: "server",
    nothing: NOTHING,
    sql: `
      SELECT ${BUCKET_OF_SAMPLE} AS t, ${SERIES} AS server, avg(s.value) AS used
      FROM server_metrics AS s
      WHERE ${THIS_MODEL} AND measure IN (${measures}) AND ${SAMPLES_IN_RANGE}
      GROUP BY t, server ORDER BY t, server`,
  });

export const resources = [
  curves({
    title: "Requests and failures by the server's own count",
    description:
      "Requests a second and failed ones as the model's servers count them: also those that nobody recorded. A server may count a batch as one request.",
    unit: "reqps",
    size: [8, 8],
    min: 0,
    interval: "1m",
    overrides: { requests: colored("blue"), failed: colored("red") },
    nothing: NOTHING,
    sql: `
      SELECT ${BUCKET_OF_SAMPLE} AS t, sumIf(s.value, measure = 'requests') / $__interval_s AS requests,
        sumIf(s.value, measure = 'errors') / $__interval_s AS failed
      FROM server_metrics AS s
      WHERE ${THIS_MODEL} AND measure IN ('requests', 'errors') AND ${SAMPLES_IN_RANGE}
      GROUP BY t ORDER BY t`,
  }),
  curves({
    title: "Mean latency and time in the queue",
    description:
      "Means by request as the servers tell them. A queue that grows while latency without it stays is a lack of capacity.",
    unit: "s",
    size: [8, 8],
    min: 0,
    interval: "1m",
    overrides: { latency: colored("orange"), queue: colored("purple") },
    nothing: NOTHING,
    sql: `
      SELECT ${BUCKET_OF_SAMPLE} AS t,
        sumIf(s.value, measure = 'latency_seconds') / nullIf(sumIf(s.value, measure = 'latency_count'), 0) AS latency,
        sumIf(s.value, measure = 'queue_seconds') / nullIf(sumIf(s.value, measure = 'queue_count'), 0) AS queue
      FROM server_metrics AS s
      WHERE ${THIS_MODEL} AND ${SAMPLES_IN_RANGE}
        AND measure IN ('latency_seconds', 'latency_count', 'queue_seconds', 'queue_count')
      GROUP BY t ORDER BY t`,
  }),
  levels({
    title: "GPU in use",
    description:
      "Share of the time in which each GPU had work. Driftmend compares each hour with the same hours of past weeks.",
    unit: "percentunit",
    measures: "'gpu_utilisation'",
    max: 1,
  }),
  levels({
    title: "GPU memory",
    description: "Memory in use on each GPU. Frameworks keep what they took: a level is no leak.",
    unit: "bytes",
    measures: "'gpu_memory_bytes'",
  }),
  levels({
    title: "CPU cores",
    description: "Processor cores that each copy of the server keeps busy.",
    unit: "none",
    measures: "'cpu_cores'",
  }),
  levels({
    title: "Memory",
    description: "Resident memory of each copy of the server; one that only grows will be killed.",
    unit: "bytes",
    measures: "'memory_bytes'",
  }),
];
