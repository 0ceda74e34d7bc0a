/**
 * Carries out what documents say of labels, in model time: `negative_after` as its time goes by, `censored` when
 * it is new or changed. How far it came stands in `label_rules`, written after each step; a step that was cut
 * short is done again, which changes nothing. The owner of shard 0 does it.
 */
import { describeError } from "../../contract/driftmend-error.ts";
import { LIMITS } from "../../contract/limits.ts";
import {
  anyCensored,
  censorSpan,
  joinAbsent,
  labelAbsent,
  labelRuleProgress,
  latePredictions,
  predictionsIn,
  predictionsKept,
  uncensorModel,
} from "../../store/queries/label-rules.ts";
import { joinLabelsOfSpan } from "../../store/queries/outcomes.ts";
import { type Ownership, shardMarker } from "../group-store.ts";
import type { ShardDeps } from "../shard-worker.ts";
import type { LabelRules } from "./label-rules.ts";

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

export interface LabelKeeperDeps
  extends Pick<ShardDeps, "store" | "clock" | "logger" | "book" | "watermarks"> {
  /** Epoch of shard 0; null when that is another collector's. */
  readonly epochOf: () => number | null;
}

interface Progress {
  readonly said: string;
  readonly throughMs: number;
  readonly ranMs: number;
}
type Rule = "absence" | "censored";

export class LabelKeeper {
  private readonly deps: LabelKeeperDeps;
  private round: Promise<void> = Promise.resolve();

  constructor(deps: LabelKeeperDeps) {
    this.deps = deps;
  }

  /** One round after another: documents are announced while the last one is still being carried out. */
  run(abort: AbortSignal): Promise<void> {
    this.round = this.round.then(() => this.keep(abort));
    return this.round;
  }

  private async keep(abort: AbortSignal): Promise<void> {
    if (abort.aborted) return;
    const epoch = this.deps.epochOf();
    if (epoch === null) return;
    const owner = { shard: 0, epoch };
    try {
      const progress = await this.readProgress();
      for (const [model, rules] of this.deps.book.labelRules()) {
        if (abort.aborted) return;
        const of = (rule: Rule): Progress | null => progress.get(`${rule}/${model}`) ?? null;
        try {
          await this.deps.book.ensure(model);
          await this.keepCensored(model, rules, of("censored"), owner, abort);
          await this.keepAbsence(model, rules, of("absence"), owner, abort);
        } catch (error) {
          this.deps.logger.warn({ err: error, model }, `label rules: ${describeError(error)}`);
        }
      }
    } catch (error) {
      this.deps.logger.warn({ err: error }, `label rules: ${describeError(error)}`);
    }
  }

  private async readProgress(): Promise<ReadonlyMap<string, Progress>> {
    const rows = await this.deps.store.query(labelRuleProgress, {});
    return new Map(
      rows.map(({ model, rule, said, through, ran }) => [
        `${rule}/${model}`,
        { said, throughMs: through, ranMs: ran },
      ]),
    );
  }

  /** A changed condition is applied to all predictions that are kept; what it frees gets its labels back. */
  private async keepCensored(
    model: string,
    { censored }: LabelRules,
    progress: Progress | null,
    owner: Ownership,
    abort: AbortSignal,
  ): Promise<void> {
    const said = censored?.text ?? "";
    if (said === (progress?.said ?? "")) return;
    const { store, book } = this.deps;
    const options = { marker: shardMarker(owner.shard) };
    const isChanged = progress === null ? await this.hasCensored(model) : progress.said !== "";
    if (isChanged) await store.command(uncensorModel, { model }, options);
    const [kept] = await store.query(predictionsKept, { model });
    const segments = [...book.settingsOf(model).segments];
    for (const span of kept === undefined ? [] : daysOf(kept.from, kept.to + 1)) {
      if (abort.aborted) return;
      const params = { ...owner, model, ...span };
      if (isChanged) {
        await store.command(joinLabelsOfSpan, { ...params, segments: { [model]: segments } });
      }
      if (censored !== null) {
        await store.command(censorSpan(censored.condition), { ...params, segments }, options);
      }
    }
    await this.note(model, "censored", said, kept === undefined ? 0 : kept.to);
  }

  /** Groups are censored as soon as the document is there, which may have changed since. */
  private async hasCensored(model: string): Promise<boolean> {
    return (await this.deps.store.query(anyCensored, { model })).length > 0;
  }

  private async keepAbsence(
    model: string,
    rules: LabelRules,
    progress: Progress | null,
    owner: Ownership,
    abort: AbortSignal,
  ): Promise<void> {
    const { negativeAfterMs: afterMs, negative } = rules;
    if (afterMs === null) return;
    const { watermarkMs } = this.deps.watermarks.current(model);
    const toMs = Math.floor((watermarkMs - afterMs) / MINUTE_MS) * MINUTE_MS;
    const said = `${afterMs} ${negative}`;
    const fromMs = await this.absentFrom(model, progress, said);
    if (fromMs === null || fromMs >= toMs) return;
    const segments = [...this.deps.book.settingsOf(model).segments];
    for (const day of daysOf(fromMs, toMs)) {
      for await (const span of this.spansOf(model, day)) {
        if (abort.aborted) return;
        const { store } = this.deps;
        const options = { marker: shardMarker(owner.shard) };
        const lookFrom = span.from - LIMITS.labelJoinSlackMs;
        const lookTo = span.to + LIMITS.labelJoinSlackMs;
        const params = { ...owner, model, ...span, lookFrom, lookTo, afterMs, negative };
        await store.command(labelAbsent, params, options);
        await store.command(joinAbsent, { ...params, segments }, options);
      }
      await this.note(model, "absence", said, day.to);
    }
  }

  /**
   * Where absence was seen to, or earlier: from the start of what is kept under another rule, and from the first
   * of the predictions that came since, made so long ago. Null where the model has none.
   */
  private async absentFrom(
    model: string,
    progress: Progress | null,
    said: string,
  ): Promise<number | null> {
    const { store } = this.deps;
    if (progress === null || progress.said !== said) {
      const [kept] = await store.query(predictionsKept, { model });
      return kept === undefined ? null : floorToMinute(kept.from);
    }
    const formedMs = progress.ranMs - LIMITS.lateGroupMs;
    const params = { model, formedMs, beforeMs: progress.throughMs };
    const [late] = await store.query(latePredictions, params);
    return late === undefined ? progress.throughMs : floorToMinute(late.from);
  }

  /** Halves of a span, and of these, until one statement has not too many predictions to look at. */
  private async *spansOf(model: string, span: Span): AsyncGenerator<Span> {
    const [found] = await this.deps.store.query(predictionsIn, { model, ...span });
    const rows = found?.n ?? 0;
    if (rows === 0) return;
    const minutes = Math.ceil((span.to - span.from) / MINUTE_MS);
    if (rows <= LIMITS.absentRowsMax || minutes < 2) {
      yield span;
      return;
    }
    const middle = span.from + Math.floor(minutes / 2) * MINUTE_MS;
    yield* this.spansOf(model, { from: span.from, to: middle });
    yield* this.spansOf(model, { from: middle, to: span.to });
  }

  private async note(model: string, rule: Rule, said: string, through: number): Promise<void> {
    const ran = this.deps.clock.nowMs();
    await this.deps.store.insert("label_rules", [{ model, rule, said, through, ran }]);
  }
}

interface Span {
  readonly from: number;
  readonly to: number;
}

const floorToMinute = (ms: number): number => Math.floor(ms / MINUTE_MS) * MINUTE_MS;

/** The days of a span, the first and last of them cut. */
function daysOf(from: number, to: number): readonly Span[] {
  const days: Span[] = [];
  for (let at = from; at < to; ) {
    const end = Math.min(to, (Math.floor(at / DAY_MS) + 1) * DAY_MS);
    days.push({ from: at, to: end });
    at = end;
  }
  return days;
}
