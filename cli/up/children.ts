/** All processes of one system: started in order, stopped in reverse, none left behind. */
import { join } from "node:path";
import type { Clock } from "../../runtime/clock.ts";
import type { Environment } from "../../runtime/env.ts";
import type { ChildSpec } from "../../runtime/example-plan.ts";
import type { Lifecycle } from "../../runtime/lifecycle.ts";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { trimLog } from "./log-file.ts";
import type { ProcessRecord } from "./process-record.ts";
import { spawnNode } from "./spawn-node.ts";
import { type SuperviseOptions, type Supervised, supervise } from "./supervise.ts";

export interface Children {
  /** Starts one and resolves with its URL; its stop is a step of the lifecycle from the first moment. */
  start(options: SuperviseOptions): Promise<string>;
  startNode(spec: ChildSpec): Promise<string>;
  list(): readonly Supervised[];
  url(name: string): string | null;
  logPath(name: string): string;
  /** SIGKILL to all, in no order. */
  killAll(): void;
}

export interface ChildrenDeps {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly env: Environment;
  readonly lifecycle: Lifecycle;
  readonly record: ProcessRecord;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
  readonly fatal: (error: DriftmendError) => void;
  /** A message of a child that the supervisor does not know itself. */
  readonly message: (name: string, message: unknown) => void;
}

const TRIM_EVERY_MS = 10_000;

export function createChildren(deps: ChildrenDeps): Children {
  const children: Supervised[] = [];
  const logPath = (name: string): string => join(deps.dataDir, "logs", `${name}.log`);
  deps.lifecycle.defer(
    "log sizes",
    deps.clock.every(TRIM_EVERY_MS, () => {
      for (const { name } of children) trimLog(logPath(name));
    }),
  );
  const start = async (options: SuperviseOptions): Promise<string> => {
    if (deps.signal.aborted) throw stopped(options.name);
    const child = supervise(options, {
      clock: deps.clock,
      started: (name, pid) => deps.record.add(name, pid),
      gone: (pid) => deps.record.remove(pid),
      say: deps.say,
      fatal: deps.fatal,
    });
    children.push(child);
    deps.lifecycle.defer(options.name, () => child.stop());
    await child.ready;
    return child.url() ?? "";
  };
  return {
    start,
    startNode: (spec) =>
      start({
        name: spec.name,
        endsByItself: spec.endsByItself ?? false,
        launch: () =>
          spawnNode(spec, {
            env: deps.env,
            logPath: logPath(spec.name),
            message: (message) => deps.message(spec.name, message),
          }),
      }),
    list: () => children,
    url: (name) => children.find((child) => child.name === name)?.url() ?? null,
    logPath,
    killAll: () => {
      for (const child of children) child.kill();
    },
  };
}

function stopped(name: string): DriftmendError {
  return new DriftmendError("stopping", {
    retry: "never",
    message: `Cannot start ${name} as the system must not be stopping: it is`,
  });
}
