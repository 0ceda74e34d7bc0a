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
  /** Whether the first bytes of a message may be such. */
  readonly mayBegin: (bytes: Buffer) => boolean;
  /** A whole head in Latin-1, without the empty line after it; null where it is not understood. */
  readonly onHead: (text: string) => HeadTaken | null;
  readonly onContent: (content: Buffer) => void;
  readonly onEnd: () => void;
  /** What passes from now on is not understood; said once. */
  readonly onLost: () => void;
}

const HEAD_END = "\r\n\r\n";
const HEAD_BYTES_MAX = 64 * 1024;
const CR = 0x0d;
const LF = 0x0a;
const NONE = Buffer.alloc(0);

export class MessageFollower {
  private readonly follower: Follower;
  /** A head that has not come whole. */
  private readonly held = new HeldBytes();
  private body: MessageBody | null = null;
  private isLost = false;

  constructor(follower: Follower) {
    this.follower = follower;
  }

  /** Whether a head has begun to come, and waits for its end. */
  get isHolding(): boolean {
    return this.held.length > 0;
  }

  /** Whether a message has begun to pass, and not ended. */
  get isInside(): boolean {
    return this.body !== null;
  }

  /** Answers what may pass now, in order. */
  follow(chunk: Buffer): readonly Buffer[] {
    if (this.isLost) return [chunk];
    const passed: Buffer[] = [];
    const known = this.held.length;
    const bytes = known === 0 ? chunk : this.held.with(chunk);
    let at = 0;
    while (at < bytes.length) {
      const next =
        this.body === null
          ? this.head(bytes, at, at === 0 ? known : 0, passed)
          : this.content(bytes, at, passed);
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
    const held = this.held.take();
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

  /**
   * Answers where the head ends; all of the bytes where it is to be waited for; null where it is not understood.
   * @param known bytes of it that were looked through before, and are held
   */
  private head(bytes: Buffer, from: number, known: number, passed: Buffer[]): number | null {
    // An empty line before a request is to be overlooked (RFC 9112, 2.2).
    if (bytes[from] === CR && bytes[from + 1] === LF) {
      this.held.take();
      return from + 2;
    }
    const lookFrom = from + Math.max(0, known - HEAD_END.length + 1);
    const end = bytes.indexOf(HEAD_END, lookFrom, "latin1");
    if (end === -1) {
      const rest = bytes.subarray(from);
      const isOdd = rest.length > HEAD_BYTES_MAX || hasBareLineFeed(rest, known);
      if (isOdd || !(mayBeEmptyLine(rest) || this.follower.mayBegin(rest))) {
        this.held.take();
        return null;
      }
      if (known === 0) this.held.with(rest);
      return bytes.length;
    }
    this.held.take();
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

/** A line break before a request, of which the second half is still to come. */
const mayBeEmptyLine = (bytes: Buffer): boolean => bytes.length === 1 && bytes[0] === CR;

/** A reader that is less strict would see a line's end there, and so a head's. */
function hasBareLineFeed(bytes: Buffer, from: number): boolean {
  for (let at = bytes.indexOf(LF, from); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    if (at === 0 || bytes[at - 1] !== CR) return true;
  }
  return false;
}

/** Pieces put together as they come, each copied a few times at most however many there are. */
class HeldBytes {
  private buffer: Buffer = NONE;
  length = 0;

  /** Adds a piece; answers all of them. */
  with(piece: Buffer): Buffer {
    const length = this.length + piece.length;
    if (length > this.buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.buffer.length, length));
      this.buffer.copy(larger, 0, 0, this.length);
      this.buffer = larger;
    }
    piece.copy(this.buffer, this.length);
    this.length = length;
    return this.buffer.subarray(0, length);
  }

  /** Answers all of them, and begins anew. */
  take(): Buffer {
    const all = this.buffer.subarray(0, this.length);
    this.buffer = NONE;
    this.length = 0;
    return all;
  }
}
