/**
 * One of our services, or an example's, as a child: configured by environment, telling us over IPC when it
 * is ready, leaving by itself when that channel closes. It leads a process group of its own, so that Ctrl-C
 * in the terminal reaches us alone and nothing that it started can outlive it.
 */
import { spawn } from "node:child_process";
import { z } from "zod";
import type { Environment } from "../../runtime/env.ts";
import type { ChildSpec } from "../../runtime/example-plan.ts";
import type { Exit } from "./after-exit.ts";
import { lastLines, openLog } from "./log-file.ts";
import { signal } from "./process-record.ts";
import type { Running } from "./running.ts";

const ReadyMessage = z.object({ kind: z.literal("ready"), url: z.string() });
const FailedMessage = z.object({ kind: z.literal("failed"), message: z.string() });

export interface SpawnContext {
  /** What children inherit, less what is not meant for them. */
  readonly env: Environment;
  readonly logPath: string;
  /** Every message but those that we know. */
  readonly message: (message: unknown) => void;
}

export function spawnNode(spec: ChildSpec, context: SpawnContext): Running {
  const log = openLog(context.logPath);
  const child = spawn(
    process.execPath,
    [...(spec.nodeFlags ?? []), spec.module, ...(spec.args ?? [])],
    {
      stdio: ["ignore", log.fd, log.fd, "ipc"],
      env: { ...inherited(context.env), ...spec.env },
      detached: true,
      serialization: "json",
    },
  );
  log.close();
  let failure: string | null = null;
  const ready = new Promise<string>((resolve) => {
    child.on("message", (message) => {
      const asReady = ReadyMessage.safeParse(message);
      if (asReady.success) return resolve(asReady.data.url);
      const asFailed = FailedMessage.safeParse(message);
      if (asFailed.success) failure = asFailed.data.message;
      else context.message(message);
    });
  });
  const exited = new Promise<Exit>((resolve) => {
    child.once("error", (error) => resolve({ code: null, signal: null, said: String(error) }));
    child.once("exit", (code, signalName) => {
      // What it started (a trainer, say) must not outlive it.
      if (child.pid !== undefined) killGroup(child.pid);
      const said =
        failure ?? (code === 0 ? null : lastWords(context.logPath, log.fromByte, signalName));
      resolve({ code, signal: signalName, said });
    });
  });
  const pid = child.pid ?? 0;
  return {
    pid,
    ready,
    exited,
    terminate: () => {
      if (pid !== 0) signal(pid, "SIGTERM");
    },
    kill: () => killGroup(pid),
  };
}

function killGroup(pid: number): void {
  if (pid !== 0) signal(-pid, "SIGKILL");
}

/** Settings of npm, of test runners, and those of Driftmend that mean this process or all of one service. */
const NOT_INHERITED =
  /^(npm_|NODE_CHANNEL_|VITEST|DRIFTMEND_(CONFIG|URL|TOKEN|READ_TOKEN|HOST|PORT)$)/i;

function inherited(env: Environment): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || NOT_INHERITED.test(name)) continue;
    kept[name] = value;
  }
  return kept;
}

const PinoLine = z.object({ msg: z.string() });

/**
 * What the log says at its end as one line: the newest line about an error, else the last ones. Of a
 * process that was killed only the former: its last words had another subject.
 */
function lastWords(logPath: string, fromByte: number, signalName: string | null): string | null {
  const words = lastLines(logPath, 12, fromByte).map((line) => {
    try {
      return PinoLine.parse(JSON.parse(line)).msg;
    } catch {
      return line.trim();
    }
  });
  const telling = words.findLast((text) => /\b\w*Error\b|^FATAL|^Cannot /.test(text));
  if (telling !== undefined) return telling;
  return words.length === 0 || signalName !== null ? null : words.slice(-2).join(" | ");
}
