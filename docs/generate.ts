/**
 * `npm run docs` writes the generated pages; `--check` compares them instead and fails where they differ,
 * so that docs cannot drift from schemas, migrations and commands.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { AgentConfig } from "../agent/config.ts";
import { AnalyzerSettings } from "../analyzer/settings.ts";
import { apiDocument } from "../cli/api-document/api-document.ts";
import { GatewaySettings } from "../cli/gateway/settings.ts";
import { createProgram } from "../cli/program.ts";
import { version } from "../cli/version.ts";
import { collectorConfig } from "../collector/config.ts";
import { grafanaFiles } from "../deploy/grafana/files.ts";
import { RetrainerSettings } from "../retrainer/settings.ts";
import { embeddedSettings } from "../store/embedded/config.ts";
import { readMigrations } from "../store/migrate.ts";
import { cliPage } from "./cli-page.ts";
import { type ServiceSettings, configurationPage, undescribed } from "./configuration-page.ts";
import { tablesPage } from "./tables-page.ts";

const SERVICES: readonly ServiceSettings[] = [
  {
    service: "agent",
    about: "Takes predictions and labels in, spools and publishes them.",
    schema: AgentConfig,
  },
  {
    service: "collector",
    about: "Stores what agents publish, exactly once, with its rollups and outcomes.",
    schema: collectorConfig,
  },
  {
    service: "analyzer",
    about: "Compares windows, raises alerts, serves most of the API.",
    schema: AnalyzerSettings,
  },
  {
    service: "retrainer",
    about: "Decides about retraining, trains, judges and rolls out.",
    schema: RetrainerSettings,
  },
  {
    service: "gateway",
    about:
      "One origin for the API of all services, where they run on their own; `up` has its own inside.",
    schema: GatewaySettings,
  },
  {
    service: "store",
    about: "The embedded ClickHouse endpoint; a deployment has ClickHouse servers instead.",
    schema: embeddedSettings,
  },
];

const pages: Readonly<Record<string, string>> = {
  "cli.md": cliPage(createProgram(version(), () => Promise.resolve())),
  "configuration.md": configurationPage(SERVICES),
  "tables.md": tablesPage(readMigrations()),
  "openapi.json": `${JSON.stringify(apiDocument(), null, 1)}\n`,
};

/** Each by its path in the checkout. */
const files = [
  ...Object.entries(pages).map(([name, text]) => [`docs/${name}`, text] as const),
  ...Object.entries(grafanaFiles()).map(
    ([name, text]) => [`deploy/grafana/${name}`, text] as const,
  ),
];

const complaints = SERVICES.flatMap(undescribed);
for (const [name, text] of files) {
  const path = join(import.meta.dirname, "..", name);
  if (!process.argv.includes("--check")) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  } else if (currentText(path) !== text) {
    complaints.push(`${name} is not what would be generated: run npm run docs`);
  }
}
for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
process.exitCode = complaints.length === 0 ? 0 : 1;

function currentText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
