import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { createGpuSlots, listGpus } from "../../../retrainer/executor/gpu-slots.ts";
import { trainerCommand, trainerEnvironment } from "../../../retrainer/executor/trainer-command.ts";
import { systemClock } from "../../../runtime/clock.ts";

const folder = mkdtempSync(join(tmpdir(), "driftmend-slots-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A program that prints what nvidia-smi prints for this query. */
function smi(name: string, lines: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\ncat <<'END'\n${lines.join("\n")}\nEND\n`);
  chmodSync(path, 0o755);
  return path;
}
const two = smi("two", ["GPU-a, 900", "GPU-b, 12"]);
const never = new AbortController().signal;
const slotsOf = (name: string, nvidiaSmi: string, held: Set<string>) =>
  createGpuSlots(
    { folder: join(folder, name), nvidiaSmi, isHeld: (owner) => Promise.resolve(held.has(owner)) },
    { clock: systemClock },
  );

describe("GPU slots", () => {
  test("are the GPUs of the machine, those with the least memory in use first", async () => {
    expect(await listGpus(two)).toEqual(["GPU-b", "GPU-a"]);
    expect(await listGpus(join(folder, "no-such-program"))).toEqual([]);
  });

  test("have one holder each, and go to who waits when they are released", async () => {
    const held = new Set(["one", "other", "third"]);
    const slots = slotsOf("wait", two, held);
    const first = await slots.take(1, "one", never);
    const second = await slots.take(1, "other", never);
    expect([...first.gpus, ...second.gpus].sort()).toEqual(["GPU-a", "GPU-b"]);
    const third = slots.take(1, "third", never);
    await first.release();
    expect((await third).gpus).toEqual(first.gpus);
  });

  test("are free when their holder has ended", async () => {
    const held = new Set(["dead"]);
    const slots = slotsOf("dead", two, held);
    await slots.take(2, "dead", never);
    held.delete("dead");
    expect((await slots.take(2, "next", never)).gpus).toHaveLength(2);
  });

  test("are a CPU slot where there is no GPU, or none was asked for", async () => {
    const slots = slotsOf("cpu", join(folder, "no-such-program"), new Set());
    expect((await slots.take(4, "one", never)).gpus).toEqual([]);
    expect((await slotsOf("none", two, new Set()).take(0, "one", never)).gpus).toEqual([]);
    expect(readdirSync(folder)).not.toContain("none");
  });

  test("are waited for no longer than the run lives", async () => {
    const slots = slotsOf("abort", two, new Set(["one"]));
    await slots.take(2, "one", never);
    const stop = new AbortController();
    const waiting = slots.take(1, "two", stop.signal);
    stop.abort(new Error("cancelled"));
    await expect(waiting).rejects.toThrow("cancelled");
  });
});

describe("a train command", () => {
  test("is run by the program that its ending asks for", () => {
    expect(trainerCommand(["train.ts", "--fast"], "/bin/node")).toEqual([
      "/bin/node",
      "train.ts",
      "--fast",
    ]);
    expect(trainerCommand(["/x/train.py"], "/bin/node")).toEqual(["python3", "/x/train.py"]);
    expect(trainerCommand(["./train"], "/bin/node")).toEqual(["./train"]);
  });

  test("sees the data set and its GPUs, and none of our secrets", () => {
    const env = trainerEnvironment(
      {
        runId: "run-1",
        model: "m",
        params: { l2: 10 },
        datasetFolder: "/d",
        outFolder: "/o",
        gpus: ["GPU-a", "GPU-b"],
      },
      {
        PATH: "/usr/bin",
        HOME: "/root",
        DRIFTMEND_TOKEN: "secret",
        DRIFTMEND_CLICKHOUSE_PASSWORD: "secret",
        AWS_SECRET_ACCESS_KEY: "secret",
      },
      "/node/bin/node",
    );
    expect(env).toMatchObject({
      DRIFTMEND_RUN_ID: "run-1",
      DRIFTMEND_PARAMS: '{"l2":10}',
      CUDA_VISIBLE_DEVICES: "GPU-a,GPU-b",
      PATH: "/usr/bin:/node/bin",
      HOME: "/root",
    });
    expect(JSON.stringify(env)).not.toContain("secret");
  });
});
