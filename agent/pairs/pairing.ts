/**
 * Requests and responses that come apart become predictions: the first half waits on disk, the second completes it
 * and is answered when the prediction is in the spool.
 */
import type { Clock } from "../../runtime/clock.ts";
import type { AgentCounters } from "../agent-counters.ts";
import type { FeatureRules } from "../columns/feature-rules.ts";
import type { Intake } from "../intake.ts";
import type { MappingBook } from "../mapping/mapping-book.ts";
import type { Recorder } from "../recorder.ts";
import { diskFull, isDiskFull } from "../spool/disk-reserve.ts";
import type { Half } from "./half.ts";
import type { HalfLog } from "./half-log.ts";
import { type Pair, PairBook } from "./pair-book.ts";
import { takePair } from "./take-pair.ts";

export interface PairingDeps {
  readonly log: HalfLog;
  readonly intake: Intake;
  readonly recorder: Recorder;
  readonly rules: FeatureRules;
  readonly mappings: MappingBook;
  readonly counters: AgentCounters;
  readonly clock: Clock;
}

export class Pairing {
  private readonly deps: PairingDeps;
  private readonly book = new PairBook();

  /** @param halves that waited when the agent stopped */
  constructor(halves: readonly Half[], deps: PairingDeps) {
    this.deps = deps;
    for (const half of halves) this.book.add(half);
  }

  get waiting(): number {
    return this.book.size;
  }

  /**
   * Resolves when the half, or the prediction that it completes, is on disk.
   * @throws {DriftmendError} spool_full, disk_full, disk_behind (retry later)
   */
  async take(half: Half): Promise<void> {
    const { log, intake, rules, counters, clock } = this.deps;
    const met = this.book.meet(half);
    if (met.kind === "pair") {
      try {
        await this.spool(met.pair);
      } catch (error) {
        // Sent again, it must find what it belongs to.
        this.book.add(half === met.pair.request ? met.pair.response : met.pair.request);
        throw error;
      }
      log.met(half.key, clock.nowMs());
      counters.events("paired", 1);
      return;
    }
    const { refusal } = intake;
    if (refusal !== null) throw refusal;
    if (met.kind === "waits") counters.events("given_up", this.book.add(half).length);
    counters.events(met.kind === "again" ? "again" : "waiting", 1);
    // What must be hidden is not written before it is: such a half waits in memory alone, and does not survive a crash.
    if (rules.hides(half.model)) return;
    try {
      await log.append(half);
    } catch (error) {
      this.book.remove(half);
      throw isDiskFull(error) ? diskFull(error) : error;
    }
  }

  /** Gives up what waited too long; called now and then. */
  async prune(): Promise<void> {
    const nowMs = this.deps.clock.nowMs();
    this.deps.counters.events("orphan", this.book.expire(nowMs).length);
    await this.deps.log.prune(nowMs);
  }

  private async spool(pair: Pair): Promise<void> {
    const { intake, recorder, rules, mappings, counters } = this.deps;
    const { request, response } = pair;
    const body = Buffer.concat([Buffer.from(request.key), request.body, response.body]);
    const taken = await intake.take("exchanges", body, () =>
      takePair(pair, { recorder, rules, mappings }),
    );
    counters.took(taken);
  }
}
