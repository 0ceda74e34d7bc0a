/**
 * Calls that passed become predictions, after the caller was answered: few at a time, between other work, and given up
 * rather than waited for where the spool is full.
 */
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, zstdDecompress } from "node:zlib";
import { LIMITS } from "../../contract/limits.ts";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { freeBytes } from "../../runtime/buffer-memory.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { AgentCounters } from "../agent-counters.ts";
import { FrameIsFull } from "../columns/frame-builder.ts";
import type { Intake } from "../intake.ts";
import { readInferMessage } from "../mapping/infer-message.ts";
import { readBody } from "../mapping/read-body.ts";
import type { TensorBody } from "../mapping/tensors.ts";
import type { TensorProtocol } from "../mapping/mapping-book.ts";
import { type TakeDeps, refusePayload, takeExchange } from "../pairs/take-pair.ts";
import { takePlainPrediction } from "../plain-record.ts";
import { unaryMessage } from "../doors/grpc-frames.ts";
import { openaiPrediction } from "./openai-call.ts";
import type { PassedCall, Span } from "./passed-call.ts";

export interface CaptureDeps extends TakeDeps {
  readonly intake: Intake;
  readonly counters: AgentCounters;
  readonly logger: Logger;
}

type Decompress = (bytes: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>;

/** By a name that callers send: a map, since an object knows "constructor" too. */
const DECOMPRESS: ReadonlyMap<string, Decompress> = new Map<string, Decompress>([
  ["gzip", promisify(gunzip)],
  ["deflate", promisify(inflate)],
  ["br", promisify(brotliDecompress)],
  ["zstd", promisify(zstdDecompress)],
]);

interface Waiting {
  readonly calls: readonly PassedCall[];
  readonly bytes: Buffer;
  readonly done: () => void;
}

/** A call with its bodies as they were before they were compressed. */
interface Plain {
  readonly passed: PassedCall;
  /** Those of the two that have memory of their own. */
  readonly decompressed: readonly Buffer[];
  readonly request: Buffer | null;
  readonly response: Buffer | null;
}

/** So many are decoded before other work gets its turn, on this thread and on this core. */
const AT_ONCE = 8;
/** Nobody waits for what is captured: a file is written less often. */
const PATIENCE_MS = 50;

export class CallCapture {
  private readonly deps: CaptureDeps;
  private readonly waiting: Waiting[] = [];
  private running: Promise<void> | null = null;
  /** What is decoded, and not on disk yet. */
  private readonly decoded = new Set<Promise<void>>();

  constructor(deps: CaptureDeps) {
    this.deps = deps;
  }

  /** Takes calls over; `done` is called when their memory is not needed any more. */
  add(calls: readonly PassedCall[], bytes: Uint8Array<ArrayBuffer>, done: () => void): void {
    this.waiting.push({ calls, bytes: Buffer.from(bytes.buffer), done });
    this.running ??= this.run();
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    while (this.running !== null) await this.running;
    await Promise.all(this.decoded);
  }

  private async run(): Promise<void> {
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      const written: Promise<void>[] = [];
      for (let from = 0; from < next.calls.length; from += AT_ONCE) {
        const calls = next.calls.slice(from, from + AT_ONCE);
        // Of compressed bodies, only those of a few calls are in memory.
        const plains = await Promise.all(calls.map((call) => plainOf(call, next.bytes)));
        written.push(this.capture(plains));
        await setImmediate();
      }
      const all = this.giveBack(written, next);
      this.decoded.add(all);
      void all.finally(() => this.decoded.delete(all));
    }
    this.running = null;
  }

  private async giveBack(written: readonly Promise<void>[], { done }: Waiting): Promise<void> {
    await Promise.all(written);
    done();
  }

  /** Empties the list once it is decoded. */
  private async capture(plains: Plain[]): Promise<void> {
    const { intake, counters } = this.deps;
    const count = plains.length;
    const large = plains.filter(({ request, response }) => request === null || response === null);
    counters.calls("too_large", large.length);
    try {
      const written = intake.takeNew(() => {
        for (const one of plains) this.take(one);
      }, PATIENCE_MS);
      forget(plains);
      const outcome = await written;
      counters.calls("captured", count);
      counters.took({ kind: "taken", outcome });
    } catch (error) {
      counters.refused(error instanceof DriftmendError ? error.code : "internal");
      counters.calls("shed", count);
      this.deps.logger.debug({ err: error }, "calls that passed could not be captured");
    }
  }

  private take({ passed, request, response }: Plain): void {
    const { call, id, timeMs, latencySeconds } = passed;
    const error = errorOf(passed);
    try {
      if (call.kind === "openai") {
        const isStream = String(passed.responseHeaders["content-type"]).startsWith(
          "text/event-stream",
        );
        const facts = { ...passed, error, request, response, isStream };
        takePlainPrediction(this.deps.recorder, openaiPrediction(facts, call.endpoint));
        return;
      }
      const read = call.kind === "grpc" ? readMessage : readHttp;
      const asked = read("request", request, passed.requestHeaders);
      const answered = error === null ? read("response", response, passed.responseHeaders) : null;
      const named = call.kind === "grpc" ? asked?.body : call;
      takeExchange(
        {
          model: named?.model ?? "",
          version: answered?.body.version ?? named?.version ?? null,
          ...{ id, fallbackId: id, timeMs, latency: latencySeconds, error },
          headers: new Map(
            Object.entries(passed.requestHeaders).map(([name, value]) => [name, String(value)]),
          ),
          request: asked?.body ?? null,
          response: answered?.body ?? null,
          tags: [],
        },
        asked?.protocol ?? "v2",
        this.deps,
      );
    } catch (cause) {
      if (cause instanceof FrameIsFull) throw cause;
      // One call that cannot be read must not take those of other callers along.
      const problem = cause instanceof Error ? cause.message : String(cause);
      const model = call.kind === "tensors" ? call.model : "";
      refusePayload(model, id, timeMs, problem, this.deps.recorder);
    }
  }
}

/** Decoded: what was decompressed for it need not wait for the disk, nor for a collection. */
function forget(plains: Plain[]): void {
  for (const { decompressed } of plains.splice(0)) decompressed.forEach(freeBytes);
}

interface Read {
  readonly protocol: TensorProtocol;
  readonly body: TensorBody;
}

function readHttp(
  side: "request" | "response",
  bytes: Buffer | null,
  headers: PassedCall["requestHeaders"],
): Read | null {
  if (bytes === null || bytes.length === 0) return null;
  const length = headers["inference-header-content-length"];
  return readBody(
    side,
    bytes,
    typeof length === "string" && /^\d+$/.test(length) ? Number(length) : null,
  );
}

function readMessage(
  side: "request" | "response",
  bytes: Buffer | null,
  headers: PassedCall["requestHeaders"],
): Read | null {
  if (bytes === null || bytes.length === 0) return null;
  const message = unaryMessage(bytes, String(headers["grpc-encoding"] ?? "identity"));
  return { protocol: "v2", body: readInferMessage(side, message) };
}

function errorOf({ call, status }: PassedCall): string | null {
  if (call.kind === "grpc") return call.status === "0" ? null : `grpc_${call.status}`;
  if (status === null) return "upstream_unreachable";
  return status >= 400 ? `http_${status}` : null;
}

async function plainOf(passed: PassedCall, bytes: Buffer): Promise<Plain> {
  const { call, requestHeaders, responseHeaders } = passed;
  // Compression of gRPC is its messages' own.
  const name = call.kind === "grpc" ? "" : "content-encoding";
  const [request, response] = await Promise.all([
    plain(bytes, passed.request, requestHeaders[name]),
    plain(bytes, passed.response, responseHeaders[name]),
  ]);
  const decompressed = [request, response].filter((body) => body !== null);
  return {
    passed,
    request,
    response,
    decompressed: decompressed.filter(({ buffer }) => buffer !== bytes.buffer),
  };
}

async function plain(
  all: Buffer,
  span: Span | null,
  encoding: string | readonly string[] | undefined,
): Promise<Buffer | null> {
  if (span === null) return null;
  const bytes = all.subarray(...span);
  if (encoding === undefined || encoding === "identity") return bytes;
  const decompress = DECOMPRESS.get(String(encoding).toLowerCase());
  if (decompress === undefined) return null;
  return decompress(bytes, { maxOutputLength: LIMITS.proxyCopyBytesMax }).catch(() => null);
}
