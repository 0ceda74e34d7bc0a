/**
 * Passes HTTP on to the model server, byte for byte, and keeps a copy of inference calls beside the path: nothing that
 * happens to a copy touches the caller. What is added is one header of the answer, `x-prediction-id`.
 */
import { randomUUID } from "node:crypto";
import {
  Agent,
  type IncomingMessage,
  type ServerResponse,
  request as openRequest,
} from "node:http";
import type { Clock } from "../../runtime/clock.ts";
import { type InferenceCall, inferenceCall } from "./inference-call.ts";
import type { PassedFacts } from "./passed-call.ts";
import { CopyBudget, Tee } from "./tee.ts";

export interface PassDeps {
  readonly clock: Clock;
  readonly upstream: URL;
  /** Takes over the copies, whose memory it gives back. */
  readonly onPassed: (call: PassedFacts, request: Tee, response: Tee) => void;
  readonly onUpstreamError: (error: Error) => void;
}

export const ID_HEADER = "x-prediction-id";
const ID_MAX = 256;
/** Below what servers keep an idle connection open (uvicorn: 5 s): a request must not meet a closing one. */
const IDLE_MS = 4_000;
/** Between two neighbours, not end to end (RFC 9110, 7.6.1). */
const HOP_BY_HOP = new Set([
  ...["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection"],
  ...["te", "trailer", "transfer-encoding", "upgrade", "expect"],
]);

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

export function createPass(deps: PassDeps): {
  readonly listener: Listener;
  readonly close: () => void;
} {
  const agent = new Agent({ keepAlive: true, timeout: IDLE_MS, maxSockets: Infinity });
  const budget = new CopyBudget();
  return {
    listener: (request, response) => {
      const call = inferenceCall(request.method ?? "", request.url ?? "");
      if (call === null) pass(request, response, null, agent, deps);
      else pass(request, response, new Copy(call, request, budget, deps), agent, deps);
    },
    close: () => agent.destroy(),
  };
}

/** What is kept of one call. */
class Copy {
  readonly id: string;
  readonly requestTee: Tee;
  readonly responseTee: Tee;
  private readonly call: InferenceCall;
  private readonly deps: PassDeps;
  private readonly request: IncomingMessage;
  private readonly timeMs: number;
  private readonly startedMs: number;
  private firstByteMs = Number.NaN;
  private ended = false;

  constructor(call: InferenceCall, request: IncomingMessage, budget: CopyBudget, deps: PassDeps) {
    this.call = call;
    this.request = request;
    this.deps = deps;
    this.requestTee = new Tee(budget);
    this.responseTee = new Tee(budget);
    this.timeMs = deps.clock.nowMs();
    this.startedMs = deps.clock.monotonicMs();
    this.id = callId(request.headers[ID_HEADER]);
  }

  answered(chunk: Buffer): void {
    if (Number.isNaN(this.firstByteMs)) this.firstByteMs = this.deps.clock.monotonicMs();
    this.responseTee.add(chunk);
  }

  end(answer: IncomingMessage | null): void {
    if (this.ended) return;
    this.ended = true;
    const nowMs = this.deps.clock.monotonicMs();
    const call = {
      ...{ call: this.call, id: this.id, timeMs: this.timeMs },
      latencySeconds: (nowMs - this.startedMs) / 1000,
      firstByteSeconds: (this.firstByteMs - this.startedMs) / 1000,
      status: answer?.statusCode ?? null,
      requestHeaders: this.request.headers,
      responseHeaders: answer?.headers ?? {},
    };
    this.deps.onPassed(call, this.requestTee, this.responseTee);
  }

  /** The caller went away: there is no answer to tell of. */
  forget(): void {
    if (this.ended) return;
    this.ended = true;
    this.requestTee.drop();
    this.responseTee.drop();
  }
}

/** The id that the caller gives to a call, or a new one. */
export function callId(given: unknown): string {
  const isId = typeof given === "string" && given !== "" && given.length <= ID_MAX;
  return isId ? given : randomUUID();
}

function pass(
  request: IncomingMessage,
  response: ServerResponse,
  copy: Copy | null,
  agent: Agent,
  deps: PassDeps,
): void {
  const upstream = openRequest({
    host: deps.upstream.hostname.replace(/^\[|\]$/g, ""),
    port: deps.upstream.port === "" ? 80 : deps.upstream.port,
    method: request.method ?? "GET",
    path: pathOf(deps.upstream, request.url ?? "/"),
    headers: headersFor(request, deps.upstream.host),
    agent,
  });
  upstream.on("response", (answer) => answerWith(answer, response, copy));
  let hasFailed = false;
  upstream.on("error", (error) => {
    if (response.destroyed || hasFailed) return;
    hasFailed = true;
    // What the caller still sends goes nowhere, but must not keep it from hearing the answer.
    request.resume();
    deps.onUpstreamError(error);
    copy?.end(null);
    if (response.headersSent) response.destroy();
    else refuse(response, copy, error);
  });
  request.on("data", (chunk: Buffer) => {
    copy?.requestTee.add(chunk);
    if (upstream.destroyed || upstream.write(chunk)) return;
    request.pause();
    upstream.once("drain", () => request.resume());
    upstream.once("close", () => request.resume());
  });
  request.on("end", () => upstream.end());
  response.on("close", () => {
    if (response.writableFinished) return;
    copy?.forget();
    upstream.destroy();
  });
}

function answerWith(answer: IncomingMessage, response: ServerResponse, copy: Copy | null): void {
  const headers = endToEnd(answer.rawHeaders);
  if (copy !== null) headers.push(ID_HEADER, copy.id);
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? "", headers);
  answer.on("data", (chunk: Buffer) => {
    copy?.answered(chunk);
    if (!response.write(chunk)) {
      answer.pause();
      response.once("drain", () => answer.resume());
    }
  });
  answer.on("end", () => {
    response.end();
    copy?.end(answer);
  });
  answer.on("error", () => {
    // The server broke off in the middle of its answer: that is its error, not the caller's going.
    copy?.end(null);
    response.destroy();
  });
}

function refuse(response: ServerResponse, copy: Copy | null, error: Error): void {
  const body = JSON.stringify({
    type: "about:blank",
    status: 502,
    code: "upstream_unreachable",
    title: "The model server does not answer",
    detail: error.message,
  });
  const headers: Record<string, string> = { "content-type": "application/problem+json" };
  if (copy !== null) headers[ID_HEADER] = copy.id;
  response.writeHead(502, headers).end(body);
}

function headersFor(request: IncomingMessage, host: string): string[] {
  const headers = endToEnd(request.rawHeaders, "host");
  headers.push("Host", host);
  // A body without a length is framed again, whatever the method: unframed, it would be another request.
  if (request.headers["transfer-encoding"] !== undefined) {
    headers.push("Transfer-Encoding", "chunked");
  }
  return headers;
}

/** As they came, names and order kept. */
function endToEnd(raw: readonly string[], without = ""): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const [name, value] = [raw[i] ?? "", raw[i + 1] ?? ""];
    const lower = name.toLowerCase();
    if (!HOP_BY_HOP.has(lower) && lower !== without) kept.push(name, value);
  }
  return kept;
}

const pathOf = ({ pathname }: URL, url: string): string =>
  pathname === "/" ? url : pathname.replace(/\/$/, "") + url;
