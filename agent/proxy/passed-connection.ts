/**
 * One caller's connection and its own one to the model server: bytes pass as they come, both ways, and what either
 * side does with its connection the other one sees. Nothing of one caller ever stands on a connection of another one's,
 * so that what is misread here can only be missed, or be marked wrongly, and never reach anybody else.
 */
import { type Socket, connect } from "node:net";
import { CallCopy, type CopyDeps, ID_HEADER, mayCopy, neededOf } from "./call-copy.ts";
import {
  type AnswerHead,
  type RequestHead,
  addressedTo,
  mayBeginAnswer,
  mayBeginRequest,
  readAnswerHead,
  readRequestHead,
} from "./http-head.ts";
import { type InferenceCall, inferenceCall } from "./inference-call.ts";
import { type HeadTaken, MessageFollower } from "./message-follower.ts";

export interface ConnectionDeps extends CopyDeps {
  readonly upstream: URL;
  readonly onUpstreamError: (error: Error) => void;
  readonly onPassedBy: (why: "unread" | "shed") => void;
}

interface Exchange {
  readonly method: string;
  readonly sinceMs: number;
  /** Null for what is no inference call. */
  readonly call: InferenceCall | null;
  readonly copy: CallCopy | null;
  answer: AnswerHead | null;
}

/** Requests without an answer on one connection; a caller that sends more waits. */
const PENDING_MAX = 64;
/** A peer that is gone without a word is noticed by then. */
export const KEEP_ALIVE_MS = 60_000;
/** For a caller that says nothing, and has nothing to wait for. */
const SILENT_MS = 75_000;
/** For a request's head, once it has begun to come. */
const HEAD_MS = 60_000;
/** A server that ends an idle connection may meet the next request, which is on its way already. */
const CROSSING_MS = 500;
/** How long a caller that still sends may read the last words. */
const LINGER_MS = 2_000;
/** Up to so much, one write of a copy costs less than several. */
const JOINED_BYTES = 32 * 1024;
const UPSTREAM_PORT = 80;

export class PassedConnection {
  private readonly caller: Socket;
  private readonly deps: ConnectionDeps;
  private server: Socket | null = null;
  private serverError: Error | null = null;
  /** In the order in which they are answered. */
  private readonly pending: Exchange[] = [];
  private copyOfRequest: CallCopy | null = null;
  private readonly requests: MessageFollower;
  private readonly answers: MessageFollower;
  private isOpaque = false;
  private hasAnswered = false;
  /** Since when a head waits for its end. */
  private headSinceMs = Number.NaN;
  private hasCallerEnded = false;
  private isEnding = false;
  private isOver = false;

  constructor(caller: Socket, deps: ConnectionDeps) {
    this.caller = caller;
    this.deps = deps;
    this.requests = new MessageFollower({
      mayBegin: mayBeginRequest,
      onHead: (text) => this.request(text),
      onContent: (content) => this.copyOfRequest?.request.add(content),
      onEnd: () => (this.copyOfRequest = null),
      onLost: () => this.lose(),
    });
    this.answers = new MessageFollower({
      mayBegin: mayBeginAnswer,
      onHead: (text) => this.answer(text),
      onContent: (content) => this.pending[0]?.copy?.answered(content),
      onEnd: () => this.answered(),
      onLost: () => this.lose(),
    });
    caller.setTimeout(SILENT_MS, () => this.silent());
    caller.on("data", (chunk) => this.fromCaller(chunk as Buffer));
    caller.on("drain", () => this.server?.resume());
    caller.on("end", () => this.callerEnded());
    caller.on("error", () => undefined);
    caller.on("close", () => this.callerGone());
  }

  /** Ends the connection once nothing is asked on it. */
  end(): void {
    this.isEnding = true;
    if (this.pending.length === 0 && !this.isOpaque) this.close();
  }

  destroy(): void {
    this.caller.destroy();
  }

  private fromCaller(chunk: Buffer): void {
    if (this.isOver) return;
    const passed = this.requests.follow(chunk);
    this.watchHead();
    if (passed.length === 0) return;
    this.server ??= this.connect();
    if (!write(this.server, passed) || this.mustWait) this.caller.pause();
  }

  private get mustWait(): boolean {
    return this.pending.length >= PENDING_MAX && !this.isOpaque;
  }

  /** A head that comes byte by byte must not hold a connection for ever. */
  private watchHead(): void {
    const nowMs = this.deps.clock.monotonicMs();
    if (!this.requests.isHolding) this.headSinceMs = Number.NaN;
    else if (Number.isNaN(this.headSinceMs)) this.headSinceMs = nowMs;
    else if (nowMs - this.headSinceMs > HEAD_MS) this.caller.destroy();
  }

  private silent(): void {
    if (this.pending.length === 0 && !this.isOpaque && !this.requests.isInside) {
      this.caller.destroy();
    }
  }

  private connect(): Socket {
    const { hostname, port } = this.deps.upstream;
    const server = connect({
      ...{
        host: hostname.replace(/^\[|\]$/g, ""),
        port: port === "" ? UPSTREAM_PORT : Number(port),
      },
      ...{ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS },
      allowHalfOpen: true,
    });
    server.on("data", (chunk) => {
      if (this.isOver) return;
      if (!write(this.caller, this.answers.follow(chunk as Buffer))) server.pause();
      if (this.isEnding && this.pending.length === 0 && !this.isOpaque) this.close();
    });
    server.on("drain", () => this.resumeCaller());
    server.on("end", () => this.serverEnded());
    server.on("error", (error) => (this.serverError = error));
    server.on("close", () => this.serverGone());
    return server;
  }

  private request(text: string): HeadTaken | null {
    const head = readRequestHead(text);
    if (head === null) return null;
    const { upstream } = this.deps;
    const call = inferenceCall(head.method, head.target);
    const copy = call === null ? null : this.copyOf(head, text.length);
    this.copyOfRequest = copy;
    const sinceMs = this.deps.clock.monotonicMs();
    this.pending.push({ method: head.method, sinceMs, call, copy, answer: null });
    const prefix = upstream.pathname.replace(/\/$/, "");
    return { passed: addressedTo(text, upstream.host, prefix), framing: head.framing };
  }

  private copyOf({ headers }: RequestHead, headBytes: number): CallCopy | null {
    const verdict = mayCopy(headBytes, this.deps.budget);
    if (verdict === "copied") return new CallCopy(headers, headBytes, this.deps);
    this.deps.onPassedBy(verdict);
    return null;
  }

  private answer(text: string): HeadTaken | null {
    const [exchange] = this.pending;
    const head = exchange === undefined ? null : readAnswerHead(text, exchange.method);
    if (exchange === undefined || head === null) return null;
    const end = "\r\n\r\n";
    if (head.status === 101) {
      this.tunnel();
      return { passed: text + end, framing: null };
    }
    // An interim one: the answer is still to come.
    if (head.status >= 200) exchange.answer = head;
    const { copy } = exchange;
    const mark = copy === null || exchange.answer === null ? "" : `\r\n${ID_HEADER}: ${copy.id}`;
    return { passed: text + mark + end, framing: head.framing };
  }

  private answered(): void {
    if (this.pending[0]?.answer === null) return;
    this.hasAnswered = true;
    const exchange = this.pending.shift();
    if (exchange !== undefined) endCopy(exchange, exchange.answer);
    this.resumeCaller();
  }

  private resumeCaller(): void {
    const hasRoom = this.server?.writableNeedDrain !== true;
    if (hasRoom && !this.mustWait) this.caller.resume();
  }

  private lose(): void {
    if (this.isOpaque) return;
    this.tunnel();
    this.deps.onPassedBy("unread");
  }

  /** What comes is not looked at any more. */
  private tunnel(): void {
    this.isOpaque = true;
    this.forget();
    this.pending.length = 0;
    const [asked, said] = [this.requests.giveUp(), this.answers.giveUp()];
    if (asked.length > 0) write((this.server ??= this.connect()), asked);
    write(this.caller, said);
    this.resumeCaller();
  }

  /** It may have hung up, or only have said all that it has to say. */
  private callerEnded(): void {
    this.hasCallerEnded = true;
    if (this.server === null || this.isOver) this.caller.end();
    else this.server.end();
  }

  private callerGone(): void {
    this.forget();
    this.isOver = true;
    this.server?.destroy();
  }

  private serverEnded(): void {
    this.answers.end();
    if (this.isOpaque) this.caller.end();
    else this.serverGone();
  }

  /** It has said what it will say. */
  private serverGone(): void {
    if (this.isOver) return;
    const [first] = this.pending;
    if (this.isOpaque || this.hasCallerEnded || first === undefined || this.hasCrossed(first)) {
      this.close();
      return;
    }
    const error = this.serverError ?? new Error("It closed the connection without an answer");
    this.deps.onUpstreamError(error);
    const isCut = this.answers.isInside || first.answer !== null;
    for (const exchange of this.pending.splice(0)) endCopy(exchange, null);
    if (isCut) this.close();
    else this.refuse(first, error);
  }

  /** Whether the request and the end of an idle connection met: the caller knows what to do about it, as without us. */
  private hasCrossed({ sinceMs, answer }: Exchange): boolean {
    const isNew = this.deps.clock.monotonicMs() - sinceMs < CROSSING_MS;
    return this.hasAnswered && isNew && answer === null && !this.answers.isHolding;
  }

  private refuse({ method, copy }: Exchange, error: Error): void {
    const body = JSON.stringify({
      type: "about:blank",
      status: 502,
      code: "upstream_unreachable",
      title: "The model server does not answer",
      detail: error.message,
    });
    const head = [
      "HTTP/1.1 502 Bad Gateway",
      "Content-Type: application/problem+json",
      `Content-Length: ${Buffer.byteLength(body)}`,
      "Connection: close",
      ...(copy === null ? [] : [`${ID_HEADER}: ${copy.id}`]),
    ].join("\r\n");
    this.caller.write(`${head}\r\n\r\n${method === "HEAD" ? "" : body}`);
    this.close();
  }

  /** What the caller still sends goes nowhere, but must not keep it from hearing what was said. */
  private close(): void {
    this.isOver = true;
    this.forget();
    this.server?.destroy();
    this.caller.resume();
    this.caller.end(() => {
      const late = setTimeout(() => this.caller.destroy(), LINGER_MS).unref();
      this.caller.on("close", () => clearTimeout(late));
    });
  }

  private forget(): void {
    for (const { copy } of this.pending) copy?.forget();
  }
}

/** @param answer null where there was none, or not all of it */
function endCopy({ call, copy }: Exchange, answer: AnswerHead | null): void {
  if (call === null || copy === null) return;
  const responseHeaders = answer === null ? {} : neededOf(answer.headers);
  copy.end({ call, status: answer?.status ?? null, responseHeaders });
}

/** Answers whether there is room for more. */
function write(socket: Socket, pieces: readonly Buffer[]): boolean {
  if (pieces.length === 0) return true;
  const [first] = pieces;
  if (pieces.length === 1 && first !== undefined) return socket.write(first);
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (bytes <= JOINED_BYTES) return socket.write(Buffer.concat(pieces, bytes));
  socket.cork();
  for (const piece of pieces) socket.write(piece);
  socket.uncork();
  return !socket.writableNeedDrain;
}
