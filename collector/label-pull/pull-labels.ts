/**
 * One pull: the rows of a statement that became known since the last one, page by page, handed in as labels. How
 * far it came is known only once an agent has them all on its disk; what is handed in again is the same label.
 */
import { z } from "zod";
import { DriftmendError, describeError } from "../../contract/driftmend-error.ts";
import { labelOf } from "../../contract/label-row.ts";
import { LIMITS } from "../../contract/limits.ts";
import type { Nats } from "../../runtime/nats.ts";
import type { Store } from "../../store/client.ts";
import { fileStatement, sourceFailed, vetLabelStatement } from "../../store/label-source.ts";
import { type PullParams, paramsFor, pulledPage } from "../../store/queries/label-pull.ts";
import { handInLabels } from "./hand-in-labels.ts";
import { linesOf } from "./lines-of.ts";

export interface PullSource {
  readonly sql?: string | undefined;
  readonly file?: string | undefined;
}

export interface PullDeps {
  readonly store: Store;
  readonly nats: Nats;
  /** Table functions that a statement may call. */
  readonly sources: readonly string[];
  /** Values of the placeholders `{secret_NAME:String}`, by name. */
  readonly secrets: Readonly<Record<string, string>>;
}

export interface PullSpan {
  /** Rows that became known later are fetched. */
  readonly afterMs: number;
  /** Where the last pull came to: the value of `{watermark:…}`. */
  readonly watermarkMs: number;
  /** The model's clock: what claims to be later does not move the watermark. */
  readonly clockMs: number;
}

export interface Pulled {
  readonly rows: number;
  /** Rows that are no labels, here or to the agent. */
  readonly refused: number;
  /** Why the first of them is none; empty where the agent refused it, which has dead letters. */
  readonly reason: string;
  readonly watermarkMs: number;
}

/**
 * @param reached is told after each page, the last one too: all up to its watermark is on an agent's disk
 * @throws {DriftmendError} label_pull_refused; label_pull_failed (later)
 */
export async function pullLabels(
  model: string,
  source: PullSource,
  span: PullSpan,
  deps: PullDeps,
  reached: (pulled: Pulled) => Promise<void>,
  abort: AbortSignal,
): Promise<void> {
  const params: PullParams = { watermark: span.watermarkMs, ...deps.secrets };
  const sql = source.sql ?? fileStatement(source.file ?? "");
  const statement = await vetLabelStatement(deps.store, sql, deps.sources, params);
  let { afterMs, watermarkMs } = span;
  let pulled: Pulled = { rows: 0, refused: 0, reason: "", watermarkMs };
  for (let more = true; more; ) {
    abort.throwIfAborted();
    const page = await pullPage(model, statement, { params, afterMs }, deps).catch(sourceFailed);
    watermarkMs = Math.max(watermarkMs, Math.min(page.lastMs, span.clockMs));
    pulled = {
      rows: pulled.rows + page.rows,
      refused: pulled.refused + page.refused,
      reason: pulled.reason === "" ? page.reason : pulled.reason,
      watermarkMs,
    };
    await reached(pulled);
    more = page.rows >= LIMITS.labelPullPageRows;
    afterMs = page.lastMs;
  }
}

interface Page {
  readonly rows: number;
  readonly refused: number;
  readonly reason: string;
  readonly lastMs: number;
}

async function pullPage(
  model: string,
  statement: string,
  { params, afterMs }: { readonly params: PullParams; readonly afterMs: number },
  deps: PullDeps,
): Promise<Page> {
  const query = pulledPage(statement, LIMITS.labelPullSecondsMax);
  const rows = LIMITS.labelPullPageRows;
  const bound = { ...paramsFor(statement, params), afterMs, rows };
  const page = { rows: 0, refused: 0, reason: "", lastMs: afterMs };
  const batch = new Batch();
  const flush = async (): Promise<void> => {
    if (batch.lines.length === 0) return;
    page.refused += (await handInLabels(deps.nats, model, batch.lines)).refused;
    batch.clear();
  };
  const stream = await deps.store.stream(query, bound, "JSONEachRow");
  for await (const line of linesOf(stream)) {
    page.rows++;
    const label = readRow(model, line, page.rows);
    page.lastMs = Math.max(page.lastMs, label.ms);
    if (label.line === null) {
      page.refused++;
      if (page.reason === "") page.reason = label.reason;
      continue;
    }
    batch.add(label.line);
    if (batch.isFull) await flush();
  }
  await flush();
  return page;
}

const Row = z.looseObject({ pulled_ms: z.coerce.number().int() });

type ReadLabel =
  | { readonly ms: number; readonly line: string }
  | { readonly ms: number; readonly line: null; readonly reason: string };

function readRow(model: string, text: string, number: number): ReadLabel {
  const { pulled_ms: ms, ...row } = Row.parse(JSON.parse(text));
  try {
    const label = labelOf({ ...row, time: new Date(ms).toISOString() }, model, `row ${number}`);
    return { ms, line: JSON.stringify(label) };
  } catch (error) {
    if (!(error instanceof DriftmendError)) throw error;
    return { ms, line: null, reason: describeError(error) };
  }
}

class Batch {
  readonly lines: string[] = [];
  private bytes = 0;

  get isFull(): boolean {
    return (
      this.lines.length >= LIMITS.labelPullBatchRows || this.bytes >= LIMITS.labelPullBatchBytesMax
    );
  }

  add(line: string): void {
    this.lines.push(line);
    this.bytes += Buffer.byteLength(line) + 1;
  }

  clear(): void {
    this.lines.length = 0;
    this.bytes = 0;
  }
}
