import { Argument, Command, Option } from "commander";
import { expect, it } from "vitest";
import { z } from "zod";
import { cliPage } from "../../docs/cli-page.ts";
import { configurationPage, undescribed } from "../../docs/configuration-page.ts";
import { tablesOf, tablesPage } from "../../docs/tables-page.ts";
import { wholeNumber } from "../../runtime/env.ts";
import { readMigrations } from "../../store/migrate.ts";

const text = `CREATE TABLE IF NOT EXISTS labels {{on_cluster}} (
  model LowCardinality(String) COMMENT 'Name, that''s all',
  id_hash UInt128 DEFAULT sipHash128(id) COMMENT 'a | b' CODEC(NONE)
) ENGINE = MergeTree
ORDER BY model
COMMENT 'Ground truth';
`;

it("a table is what the migration says of it", () => {
  expect(tablesOf([{ text }])).toEqual([
    {
      name: "labels",
      comment: "Ground truth",
      columns: [
        { name: "model", type: "LowCardinality(String)", comment: "Name, that's all" },
        { name: "id_hash", type: "UInt128", comment: "a | b" },
      ],
    },
  ]);
  expect(tablesPage([{ text }])).toContain("| `id_hash` | `UInt128` | a \\| b |");
});

it("a table that was made anew and put in the other's place is the one that is shown", () => {
  const anew = text
    .replace("TABLE IF NOT EXISTS labels", "TABLE IF NOT EXISTS labels_anew")
    .replace("Ground truth", "Ranked truth");
  const steps = `${anew}EXCHANGE TABLES labels AND labels_anew;\nDROP TABLE IF EXISTS labels_anew;\n`;
  const shown = tablesOf([{ text }, { text: steps }]);
  expect(shown.map(({ name, comment }) => [name, comment])).toEqual([["labels", "Ranked truth"]]);
});

it("every table and column of the schema has its comment", () => {
  const tables = tablesOf(readMigrations());
  expect(tables.length).toBeGreaterThan(20);
  const silent = tables.flatMap(({ name, comment, columns }) => [
    ...(comment === "" ? [name] : []),
    ...columns.filter((column) => column.comment === "").map((column) => `${name}.${column.name}`),
  ]);
  expect(silent).toEqual([]);
});

it("a setting shows its default, its choices, and whether it must be given", () => {
  const schema = z.object({
    DRIFTMEND_ROWS: wholeNumber(7).meta({ description: "Rows at once" }),
    DRIFTMEND_LEVEL: z.enum(["a", "b"]).prefault("a").meta({ description: "Level" }),
    DRIFTMEND_URL: z.string().meta({ description: "Where" }),
    DRIFTMEND_TOKEN: z.string().optional(),
  });
  const settings = { service: "store", about: "Keeps rows.", schema };
  expect(configurationPage([settings]).split("\n").slice(-10)).toMatchInlineSnapshot(`
    [
      "",
      "Keeps rows.",
      "",
      "| variable | default | |",
      "| --- | --- | --- |",
      "| \`DRIFTMEND_ROWS\` | \`7\` | Rows at once |",
      "| \`DRIFTMEND_LEVEL\` | \`a\` | Level (a, b) |",
      "| \`DRIFTMEND_URL\` | required | Where |",
      "| \`DRIFTMEND_TOKEN\` | – |  |",
      "",
    ]
  `);
  expect(undescribed(settings)).toEqual(["store: DRIFTMEND_TOKEN has no description"]);
});

it("a command shows its arguments and options, and its words when it has a parent", () => {
  const program = new Command("driftmend");
  const model = program.command("model").description("documents");
  model
    .command("apply")
    .description("store a document")
    .addArgument(new Argument("<file>", "YAML"))
    .addOption(new Option("--dry-run", "check it only"))
    .addOption(new Option("-n, --rows <count>", "how many").default(10));
  expect(cliPage(program)).toContain(`## model apply

\`driftmend model apply <file>\`: store a document.

| | |
| --- | --- |
| \`file\` | YAML |
| \`--dry-run\` | check it only |
| \`-n, --rows <count>\` | how many (default: 10) |
`);
});
