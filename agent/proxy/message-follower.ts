/**
 * Follows the messages of one direction of an HTTP/1.1 connection as they pass. What it cannot understand it does not
 * touch: it lets that, and whatever follows on the connection, pass as it comes.
 */
import { type Framing, MessageBody } from "./message-body.ts";

export interface HeadTaken {
  /** What passes in the head's place. */
  readonly passed: string;
  /** Null for what is not HTTP any more, as after 101. */
  readonly framing: Framing | null;
}

export interface Follower {
  /** A whole head in Latin-1, without the empty line after it; null where it is not understood. */
  readonly onHead: (text: string) => HeadTaken | null;
  readonly onContent: (content: Buffer) => void;
  readonly onEnd: () => void;
  /** What passes from now on is not understood; said once. */
  readonly onLost: () => void;
}

const HEAD_END = "\r\n\r\n";
const HEAD_BYTES_MAX = 128 * 1024;
const CR = 0x0d;
const LF = 0x0a;
const NONE = Buffer.alloc(0);

export class MessageFollower {
  private readonly follower: Follower;
  /** Of a head that has not come whole. */
  private held: Buffer = NONE;
  private body: MessageBody | null = null;
  private isLost = false;

  constructor(follower: Follower) {
    this.follower = follower;
  }

  /** Whether a message has begun to pass, and not ended. */
  get isInside(): boolean {
    return this.body !== null;
  }

  /** Answers what may pass now, in order. */
  follow(chunk: Buffer): readonly Buffer[] {
    if (this.isLost) return [chunk];
    const passed: Buffer[] = [];
    const bytes = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
    this.held = NONE;
    let at = 0;
    while (at < bytes.length) {
      const next =
        this.body === null ? this.head(bytes, at, passed) : this.content(bytes, at, passed);
      if (next === null) {
        passed.push(bytes.subarray(at));
        this.giveUp();
        this.follower.onLost();
        break;
      }
      at = next;
    }
    return passed;
  }

  /** From now on all passes as it comes; answers what was held. */
  giveUp(): readonly Buffer[] {
    const { held } = this;
    this.held = NONE;
    this.body = null;
    this.isLost = true;
    return held.length === 0 ? [] : [held];
  }

  /** The connection ends, and with it an answer that ends so. */
  end(): void {
    if (this.body === null || !this.body.endsWithConnection) return;
    this.body = null;
    this.follower.onEnd();
  }

  /** Answers where the head ends; all of the bytes where it is to be waited for; null where it is not understood. */
  private head(bytes: Buffer, from: number, passed: Buffer[]): number | null {
    // An empty line before a request is to be overlooked (RFC 9112, 2.2).
    if (bytes[from] === CR && bytes[from + 1] === LF) return from + 2;
    const end = bytes.indexOf(HEAD_END, from, "latin1");
    if (end === -1) {
      const rest = bytes.subarray(from);
      if (rest.length > HEAD_BYTES_MAX || hasBareLineFeed(rest)) return null;
      this.held = rest;
      return bytes.length;
    }
    const taken = this.follower.onHead(bytes.toString("latin1", from, end));
    if (taken === null) return null;
    passed.push(Buffer.from(taken.passed, "latin1"));
    const after = end + HEAD_END.length;
    if (taken.framing === null) {
      if (after < bytes.length) passed.push(bytes.subarray(after));
      this.giveUp();
      return bytes.length;
    }
    this.body = new MessageBody(taken.framing);
    this.endIfOver();
    return after;
  }

  private content(bytes: Buffer, from: number, passed: Buffer[]): number | null {
    const { body } = this;
    if (body === null) return null;
    const end = body.read(bytes, from, this.follower.onContent);
    if (end === null) return null;
    passed.push(bytes.subarray(from, end));
    this.endIfOver();
    return end;
  }

  private endIfOver(): void {
    if (this.body?.isOver !== true) return;
    this.body = null;
    this.follower.onEnd();
  }
}

/** A reader that is less strict would see a line's end there, and so a head's. */
function hasBareLineFeed(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    if (at === 0 || bytes[at - 1] !== CR) return true;
  }
  return false;
}
