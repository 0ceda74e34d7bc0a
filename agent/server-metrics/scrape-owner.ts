/**
 * Which of several agents reads an endpoint that a document names: the one for which address and spool hash highest,
 * so that each address has one reader and none has to ask another. Agents are known by their heads; while NATS is
 * away what was known last holds.
 */
import { createHash } from "node:crypto";
import { LIMITS } from "../../contract/limits.ts";

export class ScrapeOwner {
  private readonly heardMs = new Map<string, number>();
  private listeningSinceMs: number | null = null;
  private agents: readonly string[] | null = null;

  /** A head of an agent that reads endpoints of documents, our own among them. */
  hear(spool: string, nowMs: number): void {
    this.heardMs.set(spool, nowMs);
    this.listeningSinceMs ??= nowMs;
  }

  /** To be called now and then while NATS is there; not while it is away. */
  look(nowMs: number): void {
    const heardFor = this.listeningSinceMs === null ? 0 : nowMs - this.listeningSinceMs;
    for (const [spool, lastMs] of this.heardMs) {
      if (lastMs < nowMs - LIMITS.spoolLiveMs) this.heardMs.delete(spool);
    }
    // Before every living agent must have been heard, two might think that they are alone.
    if (heardFor >= LIMITS.spoolLiveMs) this.agents = [...this.heardMs.keys()];
  }

  /** NATS went away: heads are to be heard anew. */
  lost(): void {
    this.listeningSinceMs = null;
    this.heardMs.clear();
  }

  isOurs(url: string, spool: string): boolean {
    if (this.agents === null || !this.agents.includes(spool)) return false;
    return this.agents.every((other) => other === spool || rank(url, other) < rank(url, spool));
  }
}

const rank = (url: string, spool: string): string =>
  createHash("sha256").update(`${url}\0${spool}`).digest("hex");
