/**
 * Pulls the labels of every model whose document says so, on its schedule by the wall clock. The owner of a model's
 * shard does it; how far it came stands in `label_pulls`, so that whoever owns the shard next goes on from there.
 */
import { createHash } from "node:crypto";
import { describeError } from "../../contract/driftmend-error.ts";
import { LIMITS } from "../../contract/limits.ts";
import { labelPulls } from "../../store/queries/label-pull.ts";
import type { LabelRules } from "../label-rules/label-rules.ts";
import type { ShardDeps } from "../shard-worker.ts";
import { type PullDeps, type Pulled, pullLabels } from "./pull-labels.ts";
import { dueAt, sourceOf, spanOf } from "./when-due.ts";

const DAY_MS = 86_400_000;
const ERROR_CHARACTERS_MAX = 1_000;

export interface LabelPullerDeps
  extends Pick<
      ShardDeps,
      "store" | "nats" | "clock" | "logger" | "book" | "watermarks" | "retention"
    >,
    Pick<PullDeps, "sources" | "secrets"> {
  readonly metrics: Pick<ShardDeps["metrics"], "labelPulls">;
  readonly shards: number;
  /** Epoch of a shard of ours; null while another collector owns it. */
  readonly epochOf: (shard: number) => number | null;
}

type Pull = NonNullable<LabelRules["pull"]>;
type Row = Awaited<ReturnType<typeof readRows>>[number];

export class LabelPuller {
  private readonly deps: LabelPullerDeps;
  private readonly running = new Map<string, Promise<void>>();

  constructor(deps: LabelPullerDeps) {
    this.deps = deps;
  }

  /** Pulls what is due and not being pulled; what finds no place waits for its turn. */
  async run(abort: AbortSignal): Promise<void> {
    const own = [...this.deps.book.labelRules()].flatMap(([model, { pull }]) =>
      pull !== null && this.owns(model) ? [{ model, pull }] : [],
    );
    if (own.length === 0 || abort.aborted) return;
    try {
      const rows = new Map((await readRows(this.deps.store)).map((row) => [row.model, row]));
      for (const { model, pull } of own) {
        const row = rows.get(model) ?? null;
        const due = dueAt(progressOf(row), sourceOf(pull), pull.every);
        if (abort.aborted || this.deps.clock.nowMs() < due || this.running.has(model)) continue;
        if (this.running.size >= LIMITS.labelPullsAtOnce) break;
        this.running.set(model, this.pullOne(model, pull, row, abort));
      }
      await this.settled();
    } catch (error) {
      this.deps.logger.warn({ err: error }, `labels were not pulled: ${describeError(error)}`);
    }
  }

  /** Resolves when nothing is being pulled. */
  async settled(): Promise<void> {
    await Promise.all(this.running.values());
  }

  private owns(model: string): boolean {
    const hash = createHash("sha256").update(model).digest().readUInt32BE(0);
    return this.deps.epochOf(hash % this.deps.shards) !== null;
  }

  private async pullOne(
    model: string,
    pull: Pull,
    row: Row | null,
    abort: AbortSignal,
  ): Promise<void> {
    const { clock, watermarks, retention, logger, metrics } = this.deps;
    const source = sourceOf(pull);
    const { clockMs } = watermarks.current(model);
    const span = spanOf(progressOf(row), source, clockMs, retention.labels * DAY_MS);
    const start: Row =
      row?.source === source ? row : { ...NOTHING, model, source, watermark: span.watermarkMs };
    let last = start;
    const reached = (pulled: Pulled): Promise<void> => {
      last = afterPage(start, pulled, clock.nowMs());
      return this.note(last);
    };
    try {
      await pullLabels(model, pull, { ...span, clockMs }, this.deps, reached, abort);
      metrics.labelPulls.inc({ outcome: "pulled" });
    } catch (error) {
      if (abort.aborted) return;
      metrics.labelPulls.inc({ outcome: "failed" });
      const said = this.withoutSecrets(describeError(error)).slice(0, ERROR_CHARACTERS_MAX);
      logger.warn({ model }, said);
      const failures = start.failures + 1;
      await this.note({ ...last, error: said, failures, ran: clock.nowMs() }).catch(
        () => undefined,
      );
    } finally {
      this.running.delete(model);
    }
  }

  private async note(row: Row): Promise<void> {
    await this.deps.store.insert("label_pulls", [row]);
  }

  /** The engine's errors quote statements, in which secrets stand by then. */
  private withoutSecrets(text: string): string {
    return Object.values(this.deps.secrets)
      .filter((secret) => secret !== "")
      .reduce((said, secret) => said.replaceAll(secret, "***"), text);
  }
}

const readRows = (store: LabelPullerDeps["store"]) => store.query(labelPulls, {});

const progressOf = (row: Row | null) =>
  row === null
    ? null
    : {
        ...{ source: row.source, watermarkMs: row.watermark },
        ...{ ranMs: row.ran, failures: row.failures },
      };

const NOTHING = { ran: 0, pulled: 0, rows: 0, rows_total: 0, refused: 0, error: "", failures: 0 };

function afterPage(start: Row, pulled: Pulled, nowMs: number): Row {
  const { rows, refused, reason, watermarkMs: watermark } = pulled;
  return {
    ...{ model: start.model, source: start.source, watermark, ran: nowMs, pulled: nowMs },
    ...{ rows, rows_total: start.rows_total + rows, refused },
    ...{ error: reason.slice(0, ERROR_CHARACTERS_MAX), failures: 0 },
  };
}
