/** The newest announcement of every spool: what agents say they have, and when they said so. */
import type { HeadMessage } from "../contract/messages.ts";
import { LIMITS } from "../contract/limits.ts";

export interface HeardHead {
  readonly head: HeadMessage;
  /** When it was heard here, by the wall: clocks of agents may differ. */
  readonly heardMs: number;
}

export class HeadBook {
  private readonly heads = new Map<string, HeardHead>();
  /** Since when announcements can be heard; null while they cannot. */
  private listeningSinceMs: number | null;

  constructor(nowMs: number) {
    this.listeningSinceMs = nowMs;
  }

  /** NATS is away: a spool that is not heard may well live. */
  wentDeaf(): void {
    this.listeningSinceMs = null;
  }

  hearsAgain(nowMs: number): void {
    this.listeningSinceMs = nowMs;
  }

  /** Whether every spool that lives must have been heard by now. */
  isComplete(nowMs: number): boolean {
    const since = this.listeningSinceMs;
    return since !== null && nowMs - since > LIMITS.spoolLiveMs;
  }

  hear(head: HeadMessage, nowMs: number): void {
    this.heads.set(head.spool, { head, heardMs: nowMs });
  }

  get(spool: string): HeadMessage | undefined {
    return this.heads.get(spool)?.head;
  }

  /** What was said at or after a moment. */
  heardSince(ms: number): HeadMessage[] {
    return [...this.heads.values()].filter(({ heardMs }) => heardMs >= ms).map(({ head }) => head);
  }

  /** Spools heard of a short while ago. */
  live(nowMs: number): HeadMessage[] {
    const live: HeadMessage[] = [];
    for (const { head, heardMs } of this.heads.values()) {
      if (nowMs - heardMs <= LIMITS.spoolLiveMs) live.push(head);
    }
    return live;
  }
}
