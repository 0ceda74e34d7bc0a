/**
 * Calls that passed become predictions, after the caller was answered: one after the other, between other work, and
 * given up rather than waited for where the spool is full.
 */
import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, zstdDecompress } from "node:zlib";
import { LIMITS } from "../../contract/limits.ts";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { AgentCounters } from "../agent-counters.ts";
import type { Intake } from "../intake.ts";
import { readInferMessage } from "../mapping/infer-message.ts";
import { readBody } from "../mapping/read-body.ts";
import type { TensorBody } from "../mapping/tensors.ts";
import type { TensorProtocol } from "../mapping/mapping-book.ts";
import { type TakeDeps, refusePayload, takeExchange } from "../pairs/take-pair.ts";
import { takePlainPrediction } from "../plain-record.ts";
import { unaryMessage } from "./grpc-frames.ts";
import { openaiPrediction } from "./openai-call.ts";
import type { PassedCall } from "./passed-call.ts";

export interface CaptureDeps extends TakeDeps {
  readonly intake: Intake;
  readonly counters: AgentCounters;
  readonly logger: Logger;
}

const DECOMPRESS: Readonly<Record<string, (bytes: Buffer, options: object) => Promise<Buffer>>> = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
  zstd: promisify(zstdDecompress),
};

export class CallCapture {
  private readonly deps: CaptureDeps;
  private readonly waiting: PassedCall[] = [];
  private running: Promise<void> | null = null;

  constructor(deps: CaptureDeps) {
    this.deps = deps;
  }

  /** Takes a call over; gives its copies up where too many wait. */
  add(call: PassedCall): void {
    if (this.waiting.length >= LIMITS.proxyCallsWaitingMax) {
      this.deps.counters.calls("shed", 1);
      drop(call);
      return;
    }
    this.waiting.push(call);
    this.running ??= this.run();
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    while (this.running !== null) await this.running;
  }

  private async run(): Promise<void> {
    // After whatever the callers of now wait for.
    await new Promise((resolve) => setImmediate(resolve));
    for (let call = this.waiting.shift(); call !== undefined; call = this.waiting.shift()) {
      await this.capture(call);
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.running = null;
  }

  private async capture(call: PassedCall): Promise<void> {
    const { intake, counters, logger } = this.deps;
    try {
      const isGrpc = call.call.kind === "grpc";
      const [request, response] = await Promise.all([
        plain(call.request.whole(), isGrpc ? undefined : call.requestHeaders["content-encoding"]),
        plain(call.response.whole(), isGrpc ? undefined : call.responseHeaders["content-encoding"]),
      ]);
      if (request === null || response === null) counters.calls("too_large", 1);
      // The id is the call's own: the same request twice is two predictions.
      const taken = intake.take("exchanges", Buffer.from(call.id), () =>
        this.take(call, request, response),
      );
      // The next call need not wait for this one's fsync.
      taken.then(
        (done) => {
          counters.calls("captured", 1);
          counters.took(done);
        },
        (error: unknown) => this.gaveUp(error),
      );
    } catch (error) {
      this.gaveUp(error);
      logger.debug({ err: error }, "a call that passed could not be captured");
    } finally {
      drop(call);
    }
  }

  private gaveUp(error: unknown): void {
    const { counters } = this.deps;
    counters.refused(error instanceof DriftmendError ? error.code : "internal");
    counters.calls("shed", 1);
  }

  private take(passed: PassedCall, request: Buffer | null, response: Buffer | null): void {
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
      if (!(cause instanceof DriftmendError) || cause.code !== "request_malformed") throw cause;
      const model = call.kind === "tensors" ? call.model : "";
      refusePayload(model, id, timeMs, cause.message, this.deps.recorder);
    }
  }
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

async function plain(
  bytes: Buffer | null,
  encoding: string | string[] | undefined,
): Promise<Buffer | null> {
  if (bytes === null || encoding === undefined || encoding === "identity") return bytes;
  const decompress = DECOMPRESS[String(encoding).toLowerCase()];
  if (decompress === undefined) return null;
  return decompress(bytes, { maxOutputLength: LIMITS.proxyCopyBytesMax }).catch(() => null);
}

function drop({ request, response }: PassedCall): void {
  request.drop();
  response.drop();
}
