import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TERMINAL_STATUSES } from "../../../contract/run.ts";
import { firstBrokenLink } from "../../../retrainer/journal/audit-chain.ts";
import { type Journal, openJournal } from "../../../retrainer/journal/journal.ts";
import { systemClock } from "../../../runtime/clock.ts";
import type { CrashTask } from "../support/crash-child.ts";
import {
  type Places,
  openLoopBench,
  preparePlaces,
  resetRepository,
  tripsDocument,
} from "../support/loop-bench.ts";
import { startModelServer } from "../support/model-server.ts";
import { MODEL, type SmallWorld, openSmallWorld } from "../support/small-world.ts";
import { processEnvironment } from "../../../runtime/env.ts";
import { DATABASE } from "../../support/migrated-engine.ts";

const CHILD = fileURLToPath(new URL("../support/crash-child.ts", import.meta.url));
/** A life that comes no further than the one before would go on for ever. */
const LIVES_MAX = 60;
let world: SmallWorld;
let places: Places;
/** A trainer of milliseconds: copies a model that the real one made of the same days. */
let copyModel: string[];
let slowly: string[];

beforeAll(async () => {
  world = await openSmallWorld();
  await world.serve(0, 14);
  places = await preparePlaces(world.store);
  await world.serve(14, 35, { changeDay: 21 });
  await world.serve(35, 36, { changeDay: 21, versionOf: (row) => (row % 10 === 0 ? "2" : "1") });
  const server = await startModelServer(places.repository, MODEL);
  const bench = openLoopBench(world.store, places, tripsDocument(places, server.url));
  await bench.advanceTo(34);
  await bench.advanceTo(35);
  const made = bench.journal.runs.checks(MODEL)[0]?.artifact ?? "";
  const model = join(places.folder, "made-model");
  await cp(made, model, { recursive: true });
  await bench.close();
  await server.close();
  await resetRepository(places);
  copyModel = [await script("copy.sh", `cp ${model}/* "$DRIFTMEND_OUT"/`)];
  slowly = [await script("slowly.sh", `sleep 3; cp ${model}/* "$DRIFTMEND_OUT"/`)];
}, 120_000);
afterAll(async () => {
  await world.close();
  await rm(places.folder, { recursive: true, force: true });
});

async function script(name: string, body: string): Promise<string> {
  const path = join(places.folder, name);
  const marker = join(places.folder, `${name}.trained`);
  await writeFile(path, `#!/bin/sh\necho trained >>${marker}\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}

/** Places of one life story: its own folder, repository and server. */
async function story(name: string) {
  const folder = join(places.folder, name);
  await mkdir(folder);
  const own = { ...places, folder, repository: join(folder, "repository") };
  await cp(places.repository, own.repository, { recursive: true });
  const server = await startModelServer(own.repository, MODEL);
  return { own, server };
}

async function live(task: Omit<CrashTask, "store">): Promise<"killed" | "finished"> {
  const { url, user, password } = world.engine;
  const full: CrashTask = { ...task, store: { url, user, password, database: DATABASE } };
  const child = spawn(process.execPath, [CHILD], {
    env: { ...processEnvironment(), CRASH_TASK: JSON.stringify(full) },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  await once(child, "exit");
  if (child.signalCode === "SIGKILL") return "killed";
  if (child.exitCode === 0) return "finished";
  throw new Error(stderr);
}

function withJournal<T>(folder: string, look: (journal: Journal) => T): T {
  const journal = openJournal(join(folder, "retrainer.sqlite"), { clock: systemClock });
  try {
    return look(journal);
  } finally {
    journal.close();
  }
}

/** Holds after every kill. */
function checkInvariants(folder: string): void {
  withJournal(folder, (journal) => {
    const runs = journal.runs.list(MODEL).map(({ run }) => run);
    expect(runs.filter(({ status }) => !TERMINAL_STATUSES.has(status)).length).toBeLessThan(2);
    expect(journal.runs.promotions(MODEL).length).toBeLessThan(2);
    expect(firstBrokenLink(journal.log.audit(0))).toBeNull();
  });
}

async function checkEnd(own: Places, trainings: string): Promise<void> {
  withJournal(own.folder, (journal) => {
    expect(journal.runs.list(MODEL).map(({ run }) => run.status)).toEqual(["promoted"]);
    expect(journal.runs.promotions(MODEL)).toMatchObject([{ version: "2" }]);
    expect(journal.registry.champion(MODEL)).toMatchObject({ version: "2", revision: 2 });
    expect(journal.runs.checks(MODEL)).toHaveLength(1);
    expect(journal.registry.versions(MODEL).map(({ version }) => version)).toEqual(["1", "2"]);
  });
  const raw = new DatabaseSync(join(own.folder, "retrainer.sqlite"));
  expect(raw.prepare("SELECT key FROM effects WHERE result IS NULL").all()).toEqual([]);
  raw.close();
  const folder = join(own.repository, MODEL);
  const pointer = JSON.parse(await readFile(join(folder, "serving.json"), "utf8")) as object;
  expect(pointer).toMatchObject({ versions: [{ version: "2", share: 1 }], revision: 3 });
  expect((await readdir(folder)).sort()).toEqual(["1", "2", "serving.json"]);
  const trained = await readFile(join(places.folder, trainings), "utf8");
  expect(trained.trim().split("\n")).toHaveLength(1);
  await rm(join(places.folder, trainings));
}

describe("a retrainer that is killed", { timeout: 400_000 }, () => {
  for (const kill of ["after-first", "before-second"] as const) {
    test(`(${kill} commit of each of its lives) promotes once and finds every effect again`, async () => {
      const { own, server } = await story(kill);
      const command = copyModel;
      let lives = 0;
      for (; lives < LIVES_MAX; lives++) {
        const task = { places: own, serverUrl: server.url, command, kill, days: [34, 35, 36] };
        if ((await live(task)) === "finished") break;
        checkInvariants(own.folder);
      }
      await server.close();
      expect(lives).toBeGreaterThan(20);
      await checkEnd(own, "copy.sh.trained");
    });
  }

  test("(while a trainer works) adopts the trainer that goes on without it", async () => {
    const { own, server } = await story("adopts");
    const base = { places: own, serverUrl: server.url, command: slowly, days: [34, 35, 36] };
    const { url, user, password } = world.engine;
    const store = { url, user, password, database: DATABASE };
    const first = spawn(process.execPath, [CHILD], {
      env: {
        ...processEnvironment(),
        CRASH_TASK: JSON.stringify({ ...base, kill: "never", store } satisfies CrashTask),
      },
      stdio: "ignore",
    });
    const marker = join(places.folder, "slowly.sh.trained");
    while ((await readFile(marker, "utf8").catch(() => "")) === "") await systemClock.sleep(20);
    first.kill("SIGKILL");
    await once(first, "exit");
    expect(await live({ ...base, kill: "never" })).toBe("finished");
    await server.close();
    await checkEnd(own, "slowly.sh.trained");
  });
});
