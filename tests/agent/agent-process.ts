/** The agent as the real process, on free ports and a folder of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";
import { processEnvironment } from "../../runtime/env.ts";
import { type DecodedFrame, decodeFrameAt } from "../../contract/frame.ts";

export type Frame = Extract<DecodedFrame, { kind: "frame" }>;

export interface AgentProcess {
  readonly url: string;
  readonly pid: number;
  post(
    path: string,
    body: string | Uint8Array,
    headers?: Record<string, string>,
  ): Promise<Response>;
  self(): Promise<SelfState>;
  /** SIGTERM; answers the exit code. */
  stop(): Promise<number | null>;
  kill(): Promise<void>;
}

const SelfState = z.object({
  spool: z.object({
    id: z.string(),
    nextSeq: z.number(),
    storedThrough: z.number(),
    publishedThrough: z.number(),
    unstoredFrames: z.number(),
    spoolBytes: z.number(),
  }),
  natsConnected: z.boolean(),
  clocks: z.record(z.string(), z.string()),
  totals: z.record(z.string(), z.number()),
});
export type SelfState = z.output<typeof SelfState>;

const ChildMessage = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("ready"), url: z.string() }),
  z.object({ kind: z.literal("failed"), message: z.string() }),
]);

const MAIN = resolve(import.meta.dirname, "../../agent/main.ts");

/** Starts the agent; rejects with its own message where it cannot start. */
export async function startAgentProcess(
  folder: string,
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<AgentProcess> {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      PATH: processEnvironment()["PATH"],
      NODE_COMPILE_CACHE: processEnvironment()["NODE_COMPILE_CACHE"],
      DRIFTMEND_SPOOL_DIR: folder,
      DRIFTMEND_OTLP_HTTP_PORT: "0",
      DRIFTMEND_OTLP_GRPC_PORT: "off",
      DRIFTMEND_NATS_URL: "nats://127.0.0.1:1",
      DRIFTMEND_LOG_LEVEL: "error",
      ...env,
    },
    stdio: ["ignore", "inherit", "ignore", "ipc"],
  });
  const [raw] = await Promise.race([once(child, "message"), once(child, "exit")]);
  const message = ChildMessage.safeParse(raw);
  if (!message.success || message.data.kind === "failed") {
    child.kill("SIGKILL");
    throw new Error(message.success ? describeMessage(message.data) : `exit code ${String(raw)}`);
  }
  const token = env["DRIFTMEND_TOKEN"] ?? "";
  return agentProcess(child, message.data.kind === "ready" ? message.data.url : "", token);
}

function describeMessage(message: z.output<typeof ChildMessage>): string {
  return message.kind === "failed" ? message.message : message.url;
}

function agentProcess(child: ChildProcess, url: string, token: string): AgentProcess {
  const exited = once(child, "exit");
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    await exited;
    return child.exitCode;
  };
  return {
    url,
    pid: child.pid ?? 0,
    post: (path, body, headers = {}) => {
      return fetch(url + path, { method: "POST", body, headers });
    },
    self: async () => {
      const headers = { authorization: `Bearer ${token}` };
      return SelfState.parse(await (await fetch(`${url}/api/v1/self`, { headers })).json());
    },
    stop: () => end("SIGTERM"),
    kill: async () => {
      await end("SIGKILL");
    },
  };
}

/** A folder that is removed by `remove`. */
export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "driftmend-agent-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** All whole frames that a spool's folder holds, in order. */
export function framesIn(folder: string): Frame[] {
  const frames: Frame[] = [];
  for (const name of readdirSync(folder).filter((entry) => entry.startsWith("frames-"))) {
    for (const file of readdirSync(join(folder, name)).toSorted()) {
      const bytes = readFileSync(join(folder, name, file));
      for (let at = 0; at < bytes.length; ) {
        const frame = decodeFrameAt(bytes, at);
        if (frame.kind === "bad") break;
        frames.push(frame);
        at += frame.frameBytes;
      }
    }
  }
  return frames;
}

/** Resolves when `condition` holds; asks again and again, as nothing outside the process tells. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 20_000,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Cannot see within ${timeoutMs} ms that ${what}`);
    await new Promise((done) => setTimeout(done, 10));
  }
}

/** The body of `/v1/events` with these ids. */
export function eventLines(ids: readonly string[], model = "m"): string {
  return ids.map((id) => JSON.stringify({ model, id, features: { x: 1 }, score: 0.5 })).join("\n");
}
