import { readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";

const ROOT = resolve(import.meta.dirname, "..", "..");
const Rules = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.looseObject({
          alert: z.string(),
          expr: z.string(),
          annotations: z.looseObject({ summary: z.string(), runbook_url: z.string() }),
        }),
      ),
    }),
  ),
});
const rules = Rules.parse(
  parse(readFileSync(join(ROOT, "deploy/prometheus/driftmend.rules.yml"), "utf8")),
).groups.flatMap((group) => group.rules);

/** Every text of a service's sources: a metric is registered under a name that stands there. */
function literalsOf(service: string): string {
  return readdirSync(join(ROOT, service), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(join(ROOT, service, name), "utf8"))
    .join("\n");
}

describe("the rules for Prometheus", () => {
  const names = new Set(rules.flatMap(({ expr }) => expr.match(/\bdriftmend_\w+/g) ?? []));

  it.each([...names])("know %s from what a service registers", (name) => {
    const [, service = "", own = ""] = /^driftmend_([a-z]+)_(\w+)$/.exec(name) ?? [];
    expect(literalsOf(service)).toContain(`"${own}"`);
  });

  it("name metrics of every service", () => {
    const text = [...names].join(" ");
    for (const service of ["agent", "collector", "analyzer", "retrainer"]) {
      expect(text).toContain(`driftmend_${service}_`);
    }
  });

  it.each(rules.map(({ alert, annotations }) => [alert, annotations.runbook_url]))(
    "%s has its paragraph at %s",
    (_alert, url) => {
      const [page = "", anchor = ""] = url.split("#");
      const headings = readFileSync(join(ROOT, page), "utf8").match(/^#+ .+$/gm) ?? [];
      expect(headings.map((text) => text.replace(/^#+ /, "").toLowerCase())).toContain(anchor);
    },
  );
});
