/**
 * The thread that passes inference calls: nothing that the agent does besides, decoding, encoding, waiting for a disk,
 * stands between a caller and its model server. Copies of what passed go to the agent's thread, as many as it keeps
 * up with.
 */
import type { Server } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import { LIMITS } from "../../contract/limits.ts";
import { systemClock } from "../../runtime/clock.ts";
import { listenOn } from "../doors/door-server.ts";
import { createGrpcPass } from "./pass-grpc.ts";
import type { FromPass, PassOptions, ToPass } from "./pass-messages.ts";
import type { PassedFacts, Span } from "./passed-call.ts";
import { type PassDeps, createPass } from "./pass.ts";
import type { Tee } from "./tee.ts";

/** How long calls on their way may take when the agent stops. */
const DRAIN_MS = 2_000;
/**
 * Calls that pass within this time are handed over together, up to so many: to wake the other thread for each would
 * cost more than to capture it, and many at once would keep it on a core that callers want.
 */
const GATHER_MS = 5;
const GATHER_MAX = 200;

const { host, http, grpc } = workerData as PassOptions;
const port = parentPort;
if (port === null) throw new Error("This module runs as a worker thread");
const inHand = new Map<number, readonly Tee[]>();
let inHandCount = 0;
let gathered: { readonly call: PassedFacts; readonly request: Tee; readonly response: Tee }[] = [];
let gathering: NodeJS.Timeout | null = null;
const stops: (() => Promise<void>)[] = [];
let nextSeq = 0;

port.on("message", (message: ToPass) => {
  if (message.kind === "done") {
    const tees = inHand.get(message.seq) ?? [];
    for (const tee of tees) tee.drop();
    inHandCount -= tees.length / 2;
    inHand.delete(message.seq);
    return;
  }
  void Promise.all(stops.map((stop) => stop())).then(() => {
    handOver();
    say({ kind: "stopped" });
  });
});

const urls: string[] = [];
if (http !== null) {
  const pass = createPass(depsOf(http.upstream));
  await listen(pass.server, http.port, "DRIFTMEND_PROXY_PORT");
  stops.push(async () => {
    pass.end();
    await drained(pass.server, pass.cut);
  });
}
if (grpc !== null) {
  const pass = createGrpcPass(depsOf(grpc.upstream));
  await listen(pass.server, grpc.port, "DRIFTMEND_PROXY_GRPC_PORT");
  stops.push(async () => {
    await drained(pass.server, pass.close);
    pass.close();
  });
}
say({ kind: "listening", urls });

function say(message: FromPass, transfer: readonly ArrayBuffer[] = []): void {
  port?.postMessage(message, [...transfer]);
}

async function listen(
  server: Server,
  wanted: number,
  setting: "DRIFTMEND_PROXY_PORT" | "DRIFTMEND_PROXY_GRPC_PORT",
): Promise<void> {
  try {
    urls.push(await listenOn(server, { host, port: wanted, setting }));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    say({ kind: "port-in-use", setting, message });
  }
}

/** Resolves when the server has no connection any more; those that stay are cut. */
async function drained(server: Server, cut: () => void): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const ended = new AbortController();
  const late = systemClock.sleep(DRAIN_MS, ended.signal).then(cut, () => undefined);
  await Promise.race([closed, late]);
  ended.abort();
}

function depsOf(upstream: string): PassDeps {
  return {
    ...{ clock: systemClock, upstream: new URL(upstream) },
    onPassed: (call, request, response) => {
      if (inHandCount >= LIMITS.proxyCallsWaitingMax) {
        request.drop();
        response.drop();
        say({ kind: "shed" });
        return;
      }
      inHandCount++;
      gathered.push({ call, request, response });
      if (gathered.length >= GATHER_MAX) handOver();
      else gathering ??= setTimeout(handOver, GATHER_MS);
    },
    onPassedBy: (kind) => say({ kind }),
    onUpstreamError: (error) => say({ kind: "upstream-failed", upstream, message: error.message }),
  };
}

/** All bodies in one piece of memory of its own, which is handed over without another copy. */
function handOver(): void {
  if (gathering !== null) clearTimeout(gathering);
  gathering = null;
  if (gathered.length === 0) return;
  const tees = gathered.flatMap(({ request, response }) => [request, response]);
  const bytes = new Uint8Array(tees.reduce((sum, tee) => sum + tee.length, 0));
  let at = 0;
  const place = (tee: Tee): Span | null => {
    const whole = tee.whole();
    if (whole === null) return null;
    const start = at;
    bytes.set(whole, at);
    at += whole.length;
    return [start, at];
  };
  const calls = gathered.map(({ call, request, response }) => ({
    ...call,
    request: place(request),
    response: place(response),
  }));
  const seq = nextSeq++;
  inHand.set(seq, tees);
  gathered = [];
  say({ kind: "calls", seq, calls, bytes }, [bytes.buffer]);
}
