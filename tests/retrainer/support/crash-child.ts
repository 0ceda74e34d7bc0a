/**
 * A retrainer's loop in a process of its own that ends itself with SIGKILL at a commit of its journal:
 * after the first one, or before the second, as asked. Without a point it lives to the end.
 */
import { z } from "zod";
import { silentLogger } from "../../../runtime/logger.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { openStore } from "../../../store/client.ts";
import { openLoopBench, tripsDocument } from "./loop-bench.ts";
import { processEnvironment } from "../../../runtime/env.ts";

export const CrashTask = z.object({
  store: z.object({
    url: z.string(),
    user: z.string(),
    password: z.string(),
    database: z.string(),
  }),
  places: z.object({ folder: z.string(), repository: z.string(), trainingSet: z.string() }),
  serverUrl: z.string(),
  command: z.array(z.string()),
  kill: z.enum(["after-first", "before-second", "never"]),
  days: z.array(z.number()),
});
export type CrashTask = z.infer<typeof CrashTask>;

const task = CrashTask.parse(JSON.parse(processEnvironment()["CRASH_TASK"] ?? "null"));
const store = openStore(task.store, { clock: systemClock, logger: silentLogger });
const document = tripsDocument(task.places, task.serverUrl, { command: task.command });
let commits = 0;
const bench = openLoopBench(store, task.places, document, {
  journal: {
    onCommit: (when) => {
      if (when === "before") commits++;
      const isPoint =
        (task.kill === "after-first" && when === "after" && commits === 1) ||
        (task.kill === "before-second" && when === "before" && commits === 2);
      if (isPoint) process.kill(process.pid, "SIGKILL");
    },
  },
});
for (const day of task.days) await bench.advanceTo(day);
await bench.close();
await store.close();
