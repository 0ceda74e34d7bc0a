/** What the loop did, as its own routes say it: checks, runs, versions, alerts, quarantine. */
import { z } from "zod";
import { AlertView } from "../../../contract/alert.ts";
import { Decision, Numbers } from "../../../contract/run.ts";
import type { RunningStage } from "../../../runtime/example-plan.ts";
import { MODEL } from "../replay/story.ts";

const rfc3339 = z.iso.datetime().transform((text) => Date.parse(text));

const Check = z.looseObject({
  at: rfc3339,
  decision: Decision,
  reason: z.string(),
  numbers: Numbers,
  runId: z.string().nullable(),
  /** Folder of the probe's model. */
  artifact: z.string().nullable(),
});

const Run = z.looseObject({
  id: z.string(),
  at: rfc3339,
  decision: z.string(),
  status: z.string(),
  verdict: z.string().nullable(),
  version: z.string().nullable(),
  promoted: z.boolean(),
  /** Model time of the promotion. */
  promotedAt: rfc3339.nullable(),
});
export type Run = z.infer<typeof Run>;

const Version = z.looseObject({
  version: z.string(),
  artifact: z.looseObject({ folder: z.string(), entry: z.string(), device: z.string().nullable() }),
});

const Quarantined = z.looseObject({
  tag: z.string(),
  values: z.array(z.string()),
  from: rfc3339,
  to: rfc3339.nullable(),
  rows: z.int(),
  finding: z.looseObject({
    kind: z.string(),
    cause: z.string(),
    columns: z.array(z.string()),
    factor: z.number().nullable(),
    shift: z
      .looseObject({
        median: z.number(),
        min: z.number(),
        max: z.number(),
        period: z.number().nullable(),
      })
      .nullable(),
    segment: z.object({ tag: z.string(), values: z.array(z.string()) }).nullable(),
  }),
});
export type Quarantined = z.infer<typeof Quarantined>;

export interface LoopRecords {
  readonly checks: readonly z.infer<typeof Check>[];
  readonly runs: readonly Run[];
  readonly versions: readonly z.infer<typeof Version>[];
  readonly alerts: readonly z.infer<typeof AlertView>[];
  readonly quarantine: readonly Quarantined[];
}

export async function readLoopRecords(stage: RunningStage): Promise<LoopRecords> {
  const get = (path: string): Promise<unknown> => stage.request("GET", path);
  const of = `/api/v1/models/${MODEL}`;
  const [checks, runs, versions, alerts, quarantine] = await Promise.all([
    get(`${of}/checks`),
    get(`${of}/runs`),
    get(`${of}/versions`),
    get(`/api/v1/alerts?model=${MODEL}`),
    get(`/api/v1/quarantine?model=${MODEL}`),
  ]);
  return {
    checks: z.object({ checks: z.array(Check) }).parse(checks).checks,
    runs: z.object({ runs: z.array(Run) }).parse(runs).runs,
    versions: z.object({ versions: z.array(Version) }).parse(versions).versions,
    alerts: z.object({ alerts: z.array(AlertView) }).parse(alerts).alerts,
    quarantine: z.object({ quarantine: z.array(Quarantined) }).parse(quarantine).quarantine,
  };
}
