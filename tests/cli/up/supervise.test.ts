import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { afterExit } from "../../../cli/up/after-exit.ts";
import { lastLines, trimLog } from "../../../cli/up/log-file.ts";
import { startOf } from "../../../cli/up/process-table.ts";
import { spawnNode } from "../../../cli/up/spawn-node.ts";
import { type Supervised, supervise } from "../../../cli/up/supervise.ts";
import type { DriftmendError } from "../../../contract/driftmend-error.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { processEnvironment } from "../../../runtime/env.ts";

let folder = "";
const left: Supervised[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "driftmend-supervise-"));
});
afterEach(async () => {
  for (const child of left.splice(0)) await child.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A zombie that nobody has collected yet is gone. */
const isAlive = (pid: number): boolean => startOf(pid) !== undefined;

/** A supervised fixture with everything that it said. */
function start(behaviour: string, endsByItself = false) {
  const said: string[] = [];
  const pids: number[] = [];
  const messages: unknown[] = [];
  const fatal = Promise.withResolvers<DriftmendError>();
  const spec = {
    name: "fixture",
    module: join(import.meta.dirname, "children", "service.ts"),
    env: { BEHAVIOUR: behaviour, MARK: join(folder, "mark") },
  };
  const child = supervise(
    {
      name: spec.name,
      endsByItself,
      launch: () =>
        spawnNode(spec, {
          env: processEnvironment(),
          logPath: join(folder, "fixture.log"),
          message: (message) => messages.push(message),
        }),
    },
    {
      clock: systemClock,
      started: (_name, pid) => pids.push(pid),
      gone: () => undefined,
      say: (line) => said.push(line),
      fatal: fatal.resolve,
    },
  );
  left.push(child);
  return { child, said, pids, messages, fatal: fatal.promise };
}

describe("a supervised child", () => {
  it("is ready when it says so, and gone when it was stopped", async () => {
    const { child, pids } = start("steady");
    await child.ready;
    expect(child.state()).toMatchObject({ kind: "ready", pid: pids[0] });
    await child.stop();
    expect(isAlive(pids[0] ?? 0)).toBe(false);
    expect(child.state()).toEqual({ kind: "ended", reason: "stopped" });
  });

  it("is started again when it dies, and both is said", async () => {
    const { child, said, pids } = start("dies-once");
    await child.ready;
    await expect.poll(() => said, { timeout: 10_000 }).toHaveLength(2);
    expect(said[0]).toMatch(/^fixture ended \(signal SIGABRT.*\); starting it again in 0\.25 s$/);
    expect(said[1]).toBe("fixture is back");
    expect(child.restarts()).toBe(1);
    expect(child.url()).toBe(`http://127.0.0.1:1/${pids[1]}`);
  });

  it("comes back from kill -9", async () => {
    const { child, said, pids } = start("steady");
    await child.ready;
    process.kill(pids[0] ?? 0, "SIGKILL");
    await expect.poll(() => said.at(-1), { timeout: 10_000 }).toBe("fixture is back");
    expect(said[0]).toContain("fixture ended (signal SIGKILL");
  });

  it("comes back from kill -9 before it was ever ready", async () => {
    const { child, said, pids } = start("slow-once");
    await expect.poll(() => pids.length).toBe(1);
    await expect.poll(() => existsSync(join(folder, "mark"))).toBe(true);
    process.kill(pids[0] ?? 0, "SIGKILL");
    await child.ready;
    expect(said[0]).toMatch(/^fixture ended \(signal SIGKILL.*\); starting it again in 0\.25 s$/);
    expect(child.restarts()).toBe(1);
  });

  it("that cannot start fails with what it said", async () => {
    const { child } = start("wrong-state");
    await expect(child.ready).rejects.toMatchObject({
      code: "child_failed",
      message: "Cannot keep fixture running: Cannot start as the table must be there: it is not",
    });
    const never = start("never-ready");
    await expect(never.child.ready).rejects.toMatchObject({
      message: "Cannot keep fixture running: Error: no such file",
      next: '"logs/fixture.log" in the data directory has its last lines.',
    });
  });

  it("that finds its state wrong after a restart stops everything", async () => {
    const { child, fatal } = start("wrong-after-restart");
    await child.ready;
    expect(await fatal).toMatchObject({ code: "child_failed" });
    expect(child.state().kind).toBe("ended");
  });

  it("may end by itself when that is its way", async () => {
    const { child, messages, said } = start("finishes", true);
    await child.ready;
    await expect.poll(() => child.state().kind).toBe("ended");
    expect(messages).toEqual([{ kind: "finished" }]);
    expect(said).toEqual([]);
  });

  it("takes what it had started with it", async () => {
    const { child, messages, pids } = start("has-trainer");
    await child.ready;
    await expect.poll(() => messages).toHaveLength(1);
    const trainer = (messages[0] as { pid: number }).pid;
    expect(isAlive(trainer)).toBe(true);
    process.kill(pids[0] ?? 0, "SIGKILL");
    await expect.poll(() => isAlive(trainer)).toBe(false);
  });
});

describe("what follows an end", () => {
  const killed = { code: null, signal: "SIGKILL", said: null };
  const ended = {
    exit: { code: 1, signal: null, said: "disk is full" },
    endsByItself: false,
    wasEverReady: true,
    readyMs: 100,
    failuresInARow: 0,
  };

  it.each([
    [ended, { kind: "restart", delayMs: 250, failuresInARow: 1 }],
    [
      { ...ended, failuresInARow: 3 },
      { kind: "restart", delayMs: 2_000, failuresInARow: 4 },
    ],
    [
      { ...ended, failuresInARow: 7 },
      { kind: "restart", delayMs: 15_000, failuresInARow: 8 },
    ],
    [{ ...ended, failuresInARow: 8 }, { kind: "give-up" }],
    [
      { ...ended, failuresInARow: 8, readyMs: 30_000 },
      { kind: "restart", delayMs: 250, failuresInARow: 1 },
    ],
    [{ ...ended, wasEverReady: false }, { kind: "give-up" }],
    [
      { ...ended, exit: killed, wasEverReady: false, failuresInARow: 2 },
      { kind: "restart", delayMs: 1_000, failuresInARow: 3 },
    ],
    [{ ...ended, exit: killed, wasEverReady: false, failuresInARow: 3 }, { kind: "give-up" }],
    [{ ...ended, exit: { code: 78, signal: null, said: "newer" } }, { kind: "give-up" }],
    [
      { ...ended, endsByItself: true, exit: { code: 0, signal: null, said: null } },
      { kind: "finished" },
    ],
    [{ ...ended, endsByItself: true }, { kind: "restart" }],
  ])("%j", (input, expected) => {
    expect(afterExit(input)).toMatchObject(expected);
  });

  it("is said with its reason", () => {
    expect(afterExit(ended).reason).toBe("exit code 1: disk is full");
    expect(afterExit({ ...ended, failuresInARow: 8 }).reason).toBe(
      "exit code 1: disk is full, 8 times in a row",
    );
  });
});

describe("logs", () => {
  it("are bounded, and end with what was said last", () => {
    const path = join(folder, "x.log");
    expect(lastLines(path, 2)).toEqual([]);
    writeFileSync(path, "one\ntwo\n\nthree\n");
    expect(lastLines(path, 2)).toEqual(["two", "three"]);
    expect(lastLines(path, 2, 8)).toEqual(["three"]);
    expect(lastLines(path, 2, 15)).toEqual([]);
    trimLog(path, 100);
    expect(readFileSync(path, "utf8")).toHaveLength(15);
    trimLog(path, 10);
    expect(readFileSync(path, "utf8")).toBe("");
    expect(readFileSync(`${path}.1`, "utf8")).toHaveLength(15);
  });
});
