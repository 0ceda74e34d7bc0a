/** What every dashboard has: its uid, links, datasource and page, and numbered panels in a schema that old Grafanas read. */
import {
  DashboardBuilder,
  DashboardCursorSync,
  type AnnotationQueryBuilder,
  type Dashboard,
  type Panel,
  RowBuilder,
  type RowPanel,
  type VariableModel,
} from "@grafana/grafana-foundation-sdk/dashboard";
import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import { type DashboardName, PAGE, UIDS, cornerLinks } from "./links.ts";
import { datasourceVariable, pageVariable } from "./variables.ts";

/** That of Grafana 11.0; later ones migrate it when they load it, older ones ignore what they do not know. */
const SCHEMA_VERSION = 39;

export interface DashboardSpec {
  readonly name: DashboardName;
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  /** The part of the page that shows the same. */
  readonly page: string;
  readonly from: string;
  readonly refresh: string;
  readonly variables: readonly Builder<VariableModel>[];
  readonly annotations: readonly AnnotationQueryBuilder[];
  /** Rows of panels by their titles; the first may have none. */
  readonly rows: readonly { readonly title: string; readonly panels: readonly Builder<Panel>[] }[];
}

export function dashboard(spec: DashboardSpec): Dashboard {
  const builder = new DashboardBuilder(`Driftmend: ${spec.title}`)
    .uid(UIDS[spec.name])
    .description(spec.description)
    .tags(["driftmend", ...spec.tags])
    .timezone("utc")
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: spec.from, to: "now" })
    .refresh(spec.refresh)
    .variables([datasourceVariable(), pageVariable(), ...spec.variables])
    .annotations([...spec.annotations])
    .links(cornerLinks(spec.name, spec.page));
  for (const { title, panels } of spec.rows) {
    builder.withRow(new RowBuilder(title));
    for (const panel of panels) builder.withPanel(panel);
  }
  const { panels = [], ...built } = builder.build();
  return {
    ...built,
    schemaVersion: SCHEMA_VERSION,
    editable: true,
    panels: panels.map((panel: Panel | RowPanel, i) => ({ ...panel, id: i + 1 })),
  };
}

export { PAGE };
