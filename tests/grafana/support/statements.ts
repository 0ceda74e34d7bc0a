/** All statements of the committed files, each with where it stands, as Grafana would find them. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

const FOLDER = join(import.meta.dirname, "../../../deploy/grafana/provisioning");

const Target = z.object({ refId: z.string(), rawSql: z.string(), format: z.int() });
const Panel = z.looseObject({
  id: z.int(),
  type: z.string(),
  title: z.string(),
  description: z.string().optional(),
  interval: z.string().optional(),
  targets: z.array(Target).optional(),
  fieldConfig: z
    .object({
      defaults: z.looseObject({ unit: z.string().optional() }),
      overrides: z.array(z.unknown()),
    })
    .optional(),
});
export type Panel = z.infer<typeof Panel>;

const Variable = z.looseObject({
  name: z.string(),
  type: z.string(),
  query: z.union([z.string(), Target]),
  multi: z.boolean().optional(),
  includeAll: z.boolean().optional(),
  current: z.looseObject({ value: z.union([z.string(), z.array(z.string())]) }).optional(),
});
export type Variable = z.infer<typeof Variable>;

const Dashboard = z.looseObject({
  uid: z.string(),
  title: z.string(),
  panels: z.array(Panel),
  templating: z.object({ list: z.array(Variable) }),
  annotations: z.object({
    list: z.array(z.looseObject({ name: z.string(), target: Target })).optional(),
  }),
  links: z.array(z.looseObject({ url: z.string() })),
});
export type Dashboard = z.infer<typeof Dashboard>;

export function committedDashboards(): Dashboard[] {
  const folder = join(FOLDER, "dashboards/driftmend");
  return readdirSync(folder)
    .toSorted()
    .map((name) => Dashboard.parse(JSON.parse(readFileSync(join(folder, name), "utf8"))));
}

const Alerting = z.object({
  contactPoints: z.array(z.object({ name: z.string() })),
  groups: z.array(
    z.object({
      rules: z.array(
        z.looseObject({
          uid: z.string(),
          condition: z.string(),
          notification_settings: z.object({ receiver: z.string(), group_by: z.array(z.string()) }),
          annotations: z.record(z.string(), z.string()),
          data: z.array(
            z.object({
              refId: z.string(),
              datasourceUid: z.string(),
              relativeTimeRange: z.object({ from: z.int(), to: z.int() }),
              model: z.looseObject({ rawSql: z.string().optional() }),
            }),
          ),
        }),
      ),
    }),
  ),
});
export type Alerting = z.infer<typeof Alerting>;

export const committedAlerting = (): Alerting =>
  Alerting.parse(parse(readFileSync(join(FOLDER, "alerting/driftmend.yaml"), "utf8")));

export const provisioned = (path: string): unknown =>
  parse(readFileSync(join(FOLDER, path), "utf8"));
