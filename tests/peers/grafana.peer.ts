/**
 * Grafana's side of the wire: clickhouse-go over HTTP, opened as the plugin opens it, runs every statement of the
 * dashboards; then the plugin's own backend, where it can be had, expands its own macros and makes frames. Both must
 * see what the tests see, and be told in words what a reader may not do.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { z } from "zod";
import { type Reader, askReader } from "../grafana/support/ask-reader.ts";
import { type Range, choicesOf, statementsOf } from "../grafana/support/asked.ts";
import { expandVariables } from "../grafana/support/expand-variables.ts";
import { grainMs, intervalMs } from "../grafana/support/expand-macros.ts";
import { type FlightsStage, startFlightsStage } from "../grafana/support/flights-stage.ts";
import { committedDashboards, provisioned } from "../grafana/support/statements.ts";
import { WALL_MS } from "../grafana/support/stored-books.ts";
import { goProgram, pluginProgram } from "./support/go-program.ts";

const SKIPPED = 77;
/** Commit of the plugin's release 4.8.2. */
const PLUGIN = "f10be344ef98c1f512f7edd7a221870f24356829";
const HOUR_MS = 3_600_000;

/** Statements with what a reader is told; none of them may come through. */
const FORBIDDEN: readonly (readonly [name: string, sql: string, says: RegExp])[] = [
  ["insert", "INSERT INTO alerts (id) VALUES ('x')", /may only read/],
  [
    "read a file",
    "SELECT * FROM file('/etc/passwd', 'RawBLOB')",
    /may not call the function "file"/,
  ],
  ["reach a host", "SELECT * FROM url('http://127.0.0.1:9/', 'CSV', 'a UInt8')", /"url"/],
  ["stop the system", "SYSTEM SHUTDOWN", /may only read/],
  ["two statements", "SELECT 1; DROP TABLE alerts", /Syntax error|one statement/],
  ["no such table", "SELECT * FROM absent", /Unknown table|UNKNOWN_TABLE/],
  [
    "run for ever",
    "SELECT count() FROM numbers(1000000000000) WHERE number % 7 = 8 SETTINGS max_execution_time = 2",
    /Timeout exceeded/,
  ],
  [
    "fail in the midst of a result",
    "SELECT number, throwIf(number = 900000) FROM numbers(1000000) SETTINGS max_block_size = 10000",
    // Drivers before 2.43 show the engine's words in an error of their own.
    /non-zero/,
  ],
];

interface Wanted extends Range {
  readonly name: string;
  readonly intervalMs: number;
  /** As the plugin gets it: variables are expanded, macros are not. */
  readonly raw: string;
  readonly format: number;
  readonly sql: string;
  readonly rows: number;
}

async function everyStatement({ reader, fromMs, toMs }: FlightsStage): Promise<Wanted[]> {
  const wanted: Wanted[] = [];
  for (const dashboard of committedDashboards()) {
    const isWall = dashboard.uid === "driftmend-pipeline";
    const range = isWall
      ? { fromMs: WALL_MS - HOUR_MS, toMs: WALL_MS + 2 * HOUR_MS }
      : { fromMs, toMs };
    const choices = await choicesOf(dashboard, range, reader);
    const targets = [
      ...dashboard.panels.flatMap(({ targets: own, interval }) =>
        (own ?? []).map(({ rawSql }) => ({ rawSql, interval })),
      ),
      ...(dashboard.annotations.list ?? []).map(({ target }) => ({
        rawSql: target.rawSql,
        interval: undefined,
      })),
    ];
    for (const [i, asked] of statementsOf(dashboard, range, choices).entries()) {
      const { rawSql = "", interval } = targets[i] ?? {};
      const least = interval === undefined ? "1s" : expandVariables(interval, choices);
      wanted.push({
        ...range,
        name: `${dashboard.uid}: ${asked.name}`,
        intervalMs: intervalMs(range, grainMs(least)),
        raw: expandVariables(rawSql, choices),
        format: asked.format,
        sql: asked.sql,
        rows: (await askReader(reader, asked.sql)).rows.length,
      });
    }
  }
  return wanted;
}

function linesOf<T>(path: string, task: object, schema: z.ZodType<T>): T[] {
  const { status, stdout, stderr } = spawnSync(path, {
    input: JSON.stringify(task),
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
  });
  assert.equal(status, 0, stderr);
  return stdout
    .trim()
    .split("\n")
    .map((line) => schema.parse(JSON.parse(line)));
}

const DriverAnswer = z.object({
  name: z.string(),
  error: z.string().optional(),
  columns: z.array(z.string()),
  rows: z.int(),
});

function askDriver(path: string, reader: Reader, wanted: readonly Wanted[]): void {
  const { host } = new URL(reader.url);
  const statements = [
    ...wanted.map(({ name, sql }) => ({ name, sql })),
    ...FORBIDDEN.map(([name, sql]) => ({ name, sql })),
    { name: "no rows", sql: "SELECT model, n FROM model_days WHERE n < 0" },
  ];
  const task = { address: host, ...reader, seconds: 60, statements };
  const answers = linesOf(path, task, DriverAnswer);
  const [ping, ...rest] = answers;
  assert.equal(ping?.error, undefined);
  for (const [i, { name, rows }] of wanted.entries()) {
    assert.deepEqual([name, rest[i]?.error, rest[i]?.rows], [name, undefined, rows]);
  }
  for (const [i, [name, , says]] of FORBIDDEN.entries()) {
    assert.match(rest[wanted.length + i]?.error ?? "", says, name);
  }
  assert.deepEqual(rest.at(-1)?.columns, ["model", "n"]);
  process.stdout.write(
    `clickhouse-go: ${wanted.length} statements as the tests see them, ${FORBIDDEN.length} refused in words\n`,
  );
}

const PluginAnswer = z.object({
  name: z.string(),
  error: z.string().optional(),
  frames: z
    .array(z.array(z.object({ name: z.string(), type: z.string(), length: z.int() })))
    .nullable(),
});

function askPlugin(path: string, reader: Reader, wanted: readonly Wanted[]): void {
  const { hostname: host, port } = new URL(reader.url);
  const { datasources } = z
    .object({ datasources: z.array(z.object({ jsonData: z.record(z.string(), z.unknown()) })) })
    .parse(provisioned("datasources/driftmend.yaml"));
  const task = {
    // Grafana's environment is what these replace.
    jsonData: {
      ...datasources[0]?.jsonData,
      ...{ host, port, username: reader.user, defaultDatabase: reader.database },
    },
    secureJsonData: { password: reader.password },
    statements: [
      ...wanted.map(({ name, fromMs, toMs, intervalMs: every, raw, format }) => ({
        ...{ name, fromMs, toMs, intervalMs: every },
        query: { rawSql: raw, format, editorType: "sql" },
      })),
      ...FORBIDDEN.map(([name, rawSql]) => ({
        ...{ name, fromMs: 0, toMs: 1, intervalMs: 1_000 },
        query: { rawSql, format: 1, editorType: "sql" },
      })),
    ],
  };
  const [health, ...rest] = linesOf(path, task, PluginAnswer);
  assert.equal(health?.error, undefined);
  for (const [i, { name, format, rows }] of wanted.entries()) {
    const { error, frames } = rest[i] ?? {};
    const fields = frames?.[0] ?? [];
    assert.deepEqual([name, error], [name, undefined]);
    // A time series is made wide: a row for each moment, a field for each curve.
    if (format === 1) assert.equal(fields[0]?.length ?? 0, rows, name);
    else if (rows > 0) {
      assert.match(fields[0]?.type ?? "", /time/, name);
      assert.ok(fields.length >= 2 && (fields[0]?.length ?? 0) > 0, name);
      assert.ok(
        fields.slice(1).every(({ type }) => /float|int/.test(type)),
        `${name}: ${JSON.stringify(fields)}`,
      );
    }
  }
  for (const [i, [name, , says]] of FORBIDDEN.entries()) {
    assert.match(rest[wanted.length + i]?.error ?? "", says, name);
  }
  process.stdout.write(`the plugin: healthy, ${wanted.length} statements with its own macros\n`);
}

const built = goProgram("clickhouse-go");
if ("missing" in built) {
  process.stdout.write(`skipped: ${built.missing}\n`);
  process.exit(SKIPPED);
}
const stage = await startFlightsStage();
try {
  const wanted = await everyStatement(stage);
  askDriver(built.path, stage.reader, wanted);
  const plugin = pluginProgram(PLUGIN);
  if ("missing" in plugin) process.stdout.write(`not run: ${plugin.missing}\n`);
  else askPlugin(plugin.path, stage.reader, wanted);
} finally {
  await stage[Symbol.asyncDispose]();
}
