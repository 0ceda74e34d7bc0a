/** The committed files themselves: what the generator makes, whole, and without a name that leads nowhere. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { grafanaFiles } from "../../deploy/grafana/files.ts";
import { UIDS } from "../../deploy/grafana/links.ts";
import { dedent } from "../../deploy/grafana/query.ts";
import { cellBounds, cellOf } from "../../stats/index.ts";
import { expandMacros } from "./support/expand-macros.ts";
import { expandVariables, variablesIn } from "./support/expand-variables.ts";
import { committedAlerting, committedDashboards, provisioned } from "./support/statements.ts";

const dashboards = committedDashboards();
const named = dashboards.map((dashboard) => [dashboard.uid, dashboard] as const);
const uids: readonly string[] = Object.values(UIDS);

describe("the committed files", () => {
  it("are what the generator makes", () => {
    for (const [path, text] of Object.entries(grafanaFiles())) {
      const committed = readFileSync(
        join(import.meta.dirname, "../../deploy/grafana", path),
        "utf8",
      );
      expect([path, committed === text]).toEqual([path, true]);
    }
  });

  it("name one datasource, that which is provisioned beside them", () => {
    const { datasources } = provisioned("datasources/driftmend.yaml") as {
      datasources: { uid: string; type: string; jsonData: Record<string, unknown> }[];
    };
    const [source] = datasources;
    const inRules = committedAlerting()
      .groups.flatMap(({ rules }) => rules)
      .flatMap(({ data }) => data.map(({ datasourceUid }) => datasourceUid));
    expect(new Set(inRules)).toEqual(new Set([source?.uid, "__expr__"]));
    for (const { templating, panels } of dashboards) {
      const variable = templating.list.find(({ name }) => name === "datasource");
      expect([variable?.query, variable?.current?.value]).toEqual([source?.type, source?.uid]);
      const used = panels.filter(({ type }) => type !== "row").map(({ datasource }) => datasource);
      expect(new Set(used.map((ref) => JSON.stringify(ref)))).toEqual(
        new Set([JSON.stringify({ type: source?.type, uid: `\${datasource}` })]),
      );
    }
    // The plugin's 4.8.2 ends on a number here.
    expect(typeof source?.jsonData["dialTimeout"]).toBe("string");
  });
});

describe.each(named)("%s", (_uid, dashboard) => {
  const panels = dashboard.panels.filter(({ type }) => type !== "row");

  it("explains every panel, with a title of its own, a unit and a query", () => {
    for (const { title, description, fieldConfig, targets } of panels) {
      expect(title).toMatch(/\S{3}/);
      expect([title, (description ?? "").length > 40]).toEqual([title, true]);
      expect([title, (fieldConfig?.defaults.unit ?? "").length > 0]).toEqual([title, true]);
      expect([title, (targets ?? []).length > 0]).toEqual([title, true]);
    }
    const titles = panels.map(({ title }) => title);
    expect(new Set(titles).size).toBe(titles.length);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  });

  it("uses variables that are defined, each after those that it depends on", () => {
    const defined: string[] = [];
    for (const { name, query } of dashboard.templating.list) {
      if (typeof query !== "string") {
        expect(defined).toEqual(expect.arrayContaining(variablesIn(query.rawSql)));
      }
      defined.push(name);
    }
    // Names of our features begin with a dollar and must stay what they are.
    const features = ["score", "value", "latency"];
    expect(defined.filter((name) => features.includes(name))).toEqual([]);
    const { panels: shown, annotations, links } = dashboard;
    const used = variablesIn(JSON.stringify({ shown, annotations, links }));
    expect(used.filter((name) => !defined.includes(name) && !features.includes(name))).toEqual([]);
    const unused = defined.filter((name) => !used.includes(name));
    expect(unused).toEqual([]);
  });

  it("reads rollups and results, never raw rows, and the plugin's macros alone", () => {
    const statements = panels.flatMap(({ targets }) => targets ?? []);
    for (const { rawSql } of statements) {
      expect(rawSql).not.toMatch(/\b(?:FROM|JOIN)\s+(?:predictions|labels|outcomes)\b/i);
      const choices = Object.fromEntries(
        dashboard.templating.list.map(({ name }) => [name, { kind: "one", value: "x" } as const]),
      );
      const sql = expandMacros(expandVariables(rawSql, choices), {
        fromMs: 0,
        toMs: 1,
        intervalMs: 1,
      });
      expect(sql).not.toContain("$__");
    }
  });

  it("links to dashboards that there are, and to the page that the reader names", () => {
    const urls = [...JSON.stringify(dashboard).matchAll(/"url":"([^"]*)"/g)].map(
      ([, url]) => url ?? "",
    );
    expect(urls.length).toBeGreaterThan(3);
    for (const url of urls) {
      const uid = /^\/d\/([\w-]+)/.exec(url)?.[1];
      if (uid === undefined) expect(url.startsWith(`\${page}/`)).toBe(true);
      else expect(uids).toContain(uid);
    }
    for (const uid of uids.filter((other) => other !== dashboard.uid)) {
      expect(urls).toContain(`/d/${uid}`);
    }
  });
});

describe("the alert rules", () => {
  const { groups, contactPoints } = committedAlerting();
  const rules = groups.flatMap((group) => group.rules);

  it("name receivers and dashboards that there are, and say what to do", () => {
    const receivers = contactPoints.map(({ name }) => name);
    for (const { condition, data, notification_settings: settings, annotations } of rules) {
      expect(receivers).toContain(settings.receiver);
      expect(settings.group_by).toEqual(expect.arrayContaining(["grafana_folder", "alertname"]));
      const shown = dashboards.find(({ uid }) => uid === annotations["__dashboardUid__"]);
      expect(shown?.panels.map(({ id }) => String(id))).toContain(annotations["__panelId__"]);
      expect(annotations["next"]).toMatch(/driftmend/);
      expect(data.map(({ refId }) => refId)).toContain(condition);
    }
    expect(new Set(rules.map(({ uid }) => uid)).size).toBe(rules.length);
  });

  it("use no variable and none of the macros that only a browser expands", () => {
    for (const { data } of rules) {
      for (const { model } of data) {
        expect(variablesIn(model.rawSql ?? "")).toEqual([]);
        expect(model.rawSql ?? "").not.toContain("conditionalAll");
      }
    }
  });
});

describe("what statements become", () => {
  it("with variables: quoted and escaped, all or several", () => {
    const sql = `model = \${model:sqlstring} AND $__conditionalAll(version IN (\${version:sqlstring}), $version) AND f = '$score'`;
    const model = { kind: "one", value: "it's" } as const;
    const all = { kind: "all", options: ["1", "2"] } as const;
    const two = { kind: "several", values: ["1", "2"] } as const;
    expect(expandVariables(sql, { model, version: all })).toBe(
      "model = 'it''s' AND 1=1 AND f = '$score'",
    );
    expect(expandVariables(sql, { model, version: two })).toBe(
      "model = 'it''s' AND version IN ('1','2') AND f = '$score'",
    );
  });

  it("with macros, whose names may begin alike", () => {
    const span = { fromMs: 1_000, toMs: 2_500, intervalMs: 60_000 };
    expect(expandMacros("$__timeFilter_ms(t) $__timeFilter(t)", span)).toBe(
      "t >= fromUnixTimestamp64Milli(1000) AND t <= fromUnixTimestamp64Milli(2500) t >= toDateTime(1) AND t <= toDateTime(2)",
    );
    expect(expandMacros("$__timeInterval(a.t + INTERVAL 7 DAY) / $__interval_s", span)).toBe(
      "toStartOfInterval(toDateTime(a.t + INTERVAL 7 DAY), INTERVAL 60 second) / 60",
    );
    expect(() => expandMacros("$__timeFrobnicate(t)", span)).toThrow("no macro");
  });

  it("without the indentation of their source", () => {
    expect(dedent("\n    SELECT 1\n      FROM t\n  ")).toBe("SELECT 1\n  FROM t");
  });
});

describe("middles of cells", () => {
  /** The arithmetic of the statements, written out for one cell. */
  const gridMiddle = (cell: number, center: number, invScale: number): number => {
    const border = (k: number): number => 2 ** Math.trunc(k / 128) * (1 + (k % 128) / 128) - 1;
    const k = Math.abs(cell);
    return center + (Math.sign(cell) * (border(k) + border(k + 1))) / 2 / invScale;
  };
  const logMiddle = (cell: number): number => {
    const border = (k: number): number => 2 ** (Math.trunc(k / 16) - 127) * (1 + (k % 16) / 16);
    return (border(cell) + border(cell + 1)) / 2;
  };

  it.each([-9_000, -3.5, 0.001, 0.5, 17, 4e5])("lie in the cell of %d", (value) => {
    const cell = cellOf(value, 10, 0.25);
    const { lower, upper } = cellBounds(cell, 10, 0.25);
    const middle = gridMiddle(cell, 10, 0.25);
    expect(middle).toBeGreaterThan(lower);
    expect(middle).toBeLessThan(upper);
    if (value < 0) return;
    const bounds = cellBounds(cellOf(value, 0, 0), 0, 0);
    expect(logMiddle(cellOf(value, 0, 0))).toBeCloseTo((bounds.lower + bounds.upper) / 2, 12);
  });
});
