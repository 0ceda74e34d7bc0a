import { type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { errorLines } from "../../cli/error-lines.ts";
import { loopLine } from "../../cli/commands/loop.ts";
import { findSystem } from "../../cli/find-system.ts";
import { csvFields, isOpenRecord } from "../../cli/csv-records.ts";
import { labelOf } from "../../contract/label-row.ts";
import { plain } from "../../cli/paint.ts";
import { createProgram } from "../../cli/program.ts";
import { commandNames } from "../../cli/run-command.ts";
import { serviceLines } from "../../cli/service-lines.ts";
import { renderPairs, renderTable, wrapText } from "../../cli/table.ts";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import type { ReadyFile } from "../../contract/ready-file.ts";
import { processEnvironment } from "../../runtime/env.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "driftmend-cli-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const ready = (over: Partial<ReadyFile> = {}): ReadyFile => ({
  url: "http://127.0.0.1:1",
  otlpHttp: "http://127.0.0.1:2",
  otlpGrpc: "http://127.0.0.1:5",
  nats: "nats://127.0.0.1:3",
  clickhouse: {
    url: "http://127.0.0.1:4",
    user: "u",
    password: "p",
    readUser: "r",
    readPassword: "q",
  },
  token: "acting",
  readToken: "reading",
  dataDir: folder,
  pid: process.pid,
  ...over,
});

function driftmend(
  args: readonly string[],
  env: Record<string, string> = {},
): SpawnSyncReturns<string> {
  const program = resolve(import.meta.dirname, "..", "..", "cli", "driftmend.mjs");
  return spawnSync(process.execPath, [program, ...args], {
    encoding: "utf8",
    env: { ...processEnvironment(), ...env, NO_COLOR: "1", FORCE_COLOR: "0" },
  });
}

describe("the command line", () => {
  it("has a module for every command, and a command for every module", () => {
    const leaves = (command: Command, words: string): string[] => [
      ...(command.commands.length === 0 ||
      command.registeredArguments.length > 0 ||
      words === "alerts"
        ? [words]
        : []),
      ...command.commands.flatMap((sub) => leaves(sub, `${words} ${sub.name()}`.trim())),
    ];
    const program = createProgram("0", () => Promise.resolve());
    expect(leaves(program, "").toSorted()).toEqual([...commandNames].toSorted());
  });

  it("hands words, arguments and options to the command", async () => {
    const calls: unknown[] = [];
    const program = createProgram("0", (...call) => {
      calls.push(call);
      return Promise.resolve();
    });
    const parse = (line: string) => program.parseAsync(line.split(" "), { from: "user" });
    await parse("loop pause flights --for 8h --json");
    await parse("up --example --once --port 0 --no-troubles --seed 3");
    await parse("alerts --all --json");
    await parse("alerts test flights --json");
    expect(calls).toEqual([
      ["loop pause", ["flights"], { for: "8h", json: true }],
      ["up", [], { example: true, once: true, port: 0, troubles: false, seed: 3 }],
      ["alerts", [], { all: true, json: true }],
      ["alerts test", ["flights"], { json: true }],
    ]);
  });

  it("exits 2 on wrong usage, 1 with what to do when there is no system, 0 on help", () => {
    expect(driftmend(["--help"])).toMatchObject({ status: 0 });
    const wrong = driftmend(["alerts", "--wrong"]);
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toContain("unknown option '--wrong'");
    expect(driftmend(["up", "--port", "70000"]).stderr).toContain("Expected a port, 0 to 65535.");
    const alone = driftmend(["alerts", "--data-dir", folder]);
    expect(alone.status).toBe(1);
    expect(alone.stderr).toBe(
      `driftmend: Cannot find a running system as one must have written ready.json: there is no "${join(folder, "ready.json")}" [system_not_running]\n  → Start one with "npm start" (or "npx driftmend up"), name its folder with --data-dir, or set DRIFTMEND_URL and DRIFTMEND_TOKEN.\n`,
    );
  });

  it("ends quietly when the reader of its answer goes", async () => {
    const program = resolve(import.meta.dirname, "..", "..", "cli", "driftmend.mjs");
    const child = spawn(process.execPath, [program, "--help"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
    // Closed long before the first line: Node has yet to load the program.
    child.stdout.destroy();
    const [status] = await once(child, "close");
    expect({ status, errors }).toEqual({ status: 0, errors: "" });
  });

  it("says where it could not be reached", () => {
    const { status, stderr } = driftmend(["alerts"], { DRIFTMEND_URL: "http://127.0.0.1:9" });
    expect(status).toBe(1);
    expect(stderr).toContain('Cannot reach Driftmend at "http://127.0.0.1:9" as it must answer');
  });

  it("checks a document without a system", () => {
    const file = join(folder, "model.yaml");
    writeFileSync(
      file,
      "apiVersion: driftmend/v1\nkind: Model\nmetadata: {name: m}\ntask: {typ: binary}\n",
    );
    const bad = driftmend(["model", "apply", "-f", file, "--dry-run"]);
    expect(bad.status).toBe(1);
    expect(bad.stderr).toContain(`Cannot use "${file}" as an onboarding document`);
    expect(bad.stderr).toContain('line 4: task.typ: unknown key, did you mean "type"?');
    writeFileSync(
      file,
      "apiVersion: driftmend/v1\nkind: Model\nmetadata: {name: m}\ntask: {type: binary}\n",
    );
    const good = driftmend(["model", "apply", "-f", file, "--dry-run"]);
    expect(good.stdout).toBe('The document of "m" is valid; nothing was stored\n');
  });
});

describe("the running system", () => {
  it("is found by its folder, while its process lives", () => {
    writeFileSync(join(folder, "ready.json"), JSON.stringify(ready()));
    expect(findSystem(folder, {})).toEqual({ kind: "local", ready: ready() });
    writeFileSync(join(folder, "ready.json"), JSON.stringify(ready({ pid: 999_999_999 })));
    expect(() => findSystem(folder, {})).toThrow(`process 999999999 of "${folder}" has ended`);
  });

  it("is found by its address, which a named folder beats", () => {
    const env = { DRIFTMEND_URL: "http://10.0.0.1:7400", DRIFTMEND_TOKEN: "t" };
    expect(findSystem(undefined, env)).toEqual({
      kind: "remote",
      url: "http://10.0.0.1:7400",
      token: "t",
    });
    writeFileSync(join(folder, "ready.json"), JSON.stringify(ready()));
    expect(findSystem(folder, env).kind).toBe("local");
  });
});

describe("what is shown", () => {
  it("is aligned, and the last column gives way to the terminal", () => {
    const lines = renderTable<[string, number, string]>(
      [
        { title: "name", value: ([name]) => name },
        { title: "rows", value: ([, rows]) => String(rows), align: "right" },
        { title: "why", value: ([, , why]) => why },
      ],
      [
        ["a", 5, "short"],
        ["longer", 12_345, "a reason that is much too long for this terminal"],
      ],
      { paint: plain, columns: 42 },
    );
    expect(lines.join("\n")).toMatchInlineSnapshot(`
      "name     rows  why
      a           5  short
      longer  12345  a reason that is much too …"
    `);
    expect(
      renderPairs(
        [
          ["a", "1"],
          ["long", "2"],
        ],
        { paint: plain, columns: Number.POSITIVE_INFINITY },
      ),
    ).toEqual(["a     1", "long  2"]);
  });
});

describe("what a service says of itself", () => {
  it("is how far behind it is, what is wrong first", () => {
    const agent = {
      spool: { spoolBytes: 2_858_624, unstoredFrames: 12, lagSeconds: 754 },
      diskFull: true,
      natsConnected: false,
      totals: { "records.prediction": 1200, "records.label": 900, "deadLetters.id_missing": 3 },
    };
    const collector = {
      ready: false,
      reason: "shard 1 is held by another collector",
      shards: [
        { shard: 0, state: { kind: "running", progress: { streamPending: 7 } } },
        { shard: 1, state: { kind: "waiting" } },
      ],
    };
    const shown = [
      ...serviceLines("agent", agent),
      ...serviceLines("collector", collector),
      ...serviceLines("retrainer", { unavailable: "fetch failed" }),
    ];
    expect(shown.join("\n").replaceAll("\u202f", " ")).toMatchInlineSnapshot(`
      "THE DISK IS FULL: requests are answered 503; make room
      NATS IS AWAY: what comes is kept in the spool
      1 200 predictions and 900 labels taken since its start
      12 frames (2.7 MiB) wait to be stored, the oldest for 12:34 min
      3 records set aside: "driftmend dead-letters list" says why
      NOT READY: shard 1 is held by another collector
      1 of 2 shards run, 7 messages wait in NATS
      shard 1: waiting
      does not answer: fetch failed"
    `);
  });

  it("is in whose clock what is analyzed, and which version is the champion", () => {
    const model = {
      ...{ model: "flights", clock: "replay", throughMs: 7_200_000, targetMs: 14_400_000 },
      ...{ minutesThroughMs: 7_200_000, minutesTargetMs: 14_400_000 },
    };
    const lines = [
      ...serviceLines("analyzer", {
        models: [
          { ...model, lastError: null },
          { ...model, lastError: "no rows" },
          {
            ...{ model: "card-fraud", clock: "wall", throughMs: 0, targetMs: 0, lastError: null },
            ...{ minutesThroughMs: 86_340_000, minutesTargetMs: 86_340_000 },
          },
        ],
        notifications: {
          ...{ waiting: 5, held: 1 },
          channels: [
            { name: "slack/#ml", up: true, waiting: 1, failingSinceMs: null, lastError: null },
            {
              ...{ name: "pagerduty/risk", up: false, waiting: 3, failingSinceMs: 7_200_000 },
              lastError: "answered 500",
            },
          ],
        },
      }),
      ...serviceLines("retrainer", {
        ready: true,
        models: [
          { model: "flights", mode: "auto", champion: "4", activeRun: "run-1" },
          { model: "card-fraud", mode: null, champion: null, activeRun: null },
        ],
      }),
    ];
    expect(lines.join("\n")).toMatchInlineSnapshot(`
      "flights: analyzed through Thu 1970-01-01 02:00 UTC (replay clock), 2 h behind
      flights: FAILED: no rows
      card-fraud: analyzed through Thu 1970-01-01 23:59, days through Thu 1970-01-01 00:00 UTC (wall clock), up to date
      CHANNEL pagerduty/risk FAILS since Thu 1970-01-01 02:00 UTC: answered 500; 3 alert changes wait for it
      2 alert changes are being told
      1 alert changes are over the budget, for the digest
      flights: auto, champion is version 4, run run-1 is under way
      card-fraud: no document, so it is only watched, no champion known"
    `);
  });
});

describe("a failure on the terminal", () => {
  it("says what is wrong, and below it what to do", () => {
    const error = new DriftmendError("not_found", {
      retry: "never",
      message: 'Cannot find the alert "x"',
      next: "Look again.",
    });
    expect(errorLines(error, plain)).toEqual([
      'driftmend: Cannot find the alert "x" [not_found]',
      "  → Look again.",
    ]);
    expect(errorLines(new Error("boom"), plain)).toEqual(["driftmend: boom"]);
  });
});

describe("the mode of the loop", () => {
  it.each([
    [
      { mode: "paused", override: "paused", until: "2026-10-17T02:00:00.000Z" },
      "m: paused, switched by hand, until Sat 2026-10-17 02:00 UTC",
    ],
    [{ mode: "auto", override: null, until: null }, "m: auto, as its document says"],
    [{ mode: null }, "m: no document, so it is watched and never retrained"],
  ])("%o", (state, line) => {
    expect(loopLine("m", state)).toBe(line);
  });
});

describe("long lines", () => {
  it("go on below themselves on a terminal, and are whole where there is none", () => {
    const text = "what  a sentence that is a good deal longer than this terminal is wide";
    expect(wrapText(text, 40, 6)).toEqual([
      "what  a sentence that is a good deal",
      "      longer than this terminal is wide",
    ]);
    expect(wrapText(text, Number.POSITIVE_INFINITY, 6)).toEqual([text]);
  });
});

describe("labels out of files", () => {
  it("are taken under the names of the guide, empty cells as absent", () => {
    const row = {
      prediction_id: "p1",
      label: "late",
      value: "",
      time: "",
      revision: "3",
      other: "x",
    };
    expect(labelOf(row, "flights", "line 2")).toEqual({
      model: "flights",
      id: "p1",
      label: "late",
      revision: 3,
    });
    expect(labelOf({ id: 7, value: "2.5" }, "m", "line 1")).toEqual({
      model: "m",
      id: "7",
      value: 2.5,
    });
    expect(labelOf({ id: "a", label: true }, "m", "line 1")).toMatchObject({ label: "true" });
  });

  it("that are none are said with their line", () => {
    expect(() => labelOf({ label: "x" }, "m", "line 9")).toThrow(
      "Cannot import line 9 as a label: prediction_id is missing",
    );
    expect(() => labelOf({ id: "x" }, "m", "line 9")).toThrow("label or value is missing");
    expect(() => labelOf({ id: "x", value: "much" }, "m", "line 9")).toThrow("value");
  });

  it.each([
    ["a,b,c", ["a", "b", "c"]],
    ['"a,1","say ""hi""",', ["a,1", 'say "hi"', ""]],
    ["", [""]],
    ["a,,c", ["a", "", "c"]],
    ['"two\nlines",x', ["two\nlines", "x"]],
  ])("CSV %j", (record, fields) => {
    expect(csvFields(record)).toEqual(fields);
    expect(isOpenRecord(record)).toBe(false);
  });

  it("a CSV record goes on while quotes are open", () => {
    expect(isOpenRecord('"two')).toBe(true);
  });
});
