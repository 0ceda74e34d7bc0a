/**
 * Erases one prediction, or everything of one subject, from what is stored, in this order: what was accepted before
 * is waited for; the erasure is written down by hashes, with the groups whose rows it takes, so that recovery does not
 * miss them; ids are written down as hashes; rows go, table by table, and the parts that held them; rollups of their
 * hours are brought down to what is left. A start finishes what was begun: every step may be repeated.
 */
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { LIMITS } from "../../contract/limits.ts";
import { silentLogger } from "../../runtime/logger.ts";
import {
  datasetsAfter,
  deleteDeadLetters,
  deleteLabels,
  deleteWaitingLabels,
  erasureQueries,
  namesKept,
} from "../../store/queries/erase-rows.ts";
import { type ErasureRow, unfinishedErasures } from "../../store/queries/erasures.ts";
import type { Ownership } from "../group-store.ts";
import { repairDaysOf } from "../repair-rollups.ts";
import type { ShardDeps } from "../shard-worker.ts";
import { type FoundLetter, findLetters } from "./letters.ts";
import { type OnTheWay, untilStored } from "./on-the-way.ts";
import { countQuarantine, eraseFromQuarantine } from "./quarantine.ts";
import { type ErasedTable, withoutReplacedParts } from "./replaced-parts.ts";
import { type ErasureBody, type Subject, erasureId, subjectOf } from "./request.ts";

export interface ErasureDeps extends ShardDeps {
  /** Epoch of shard 0, whose owner erases; null when that is another collector. */
  readonly epochOf: () => number | null;
  readonly storedThrough: (spool: string) => number | null;
}

export interface ErasureAnswer {
  /** Null in a dry run. */
  readonly id: string | null;
  readonly state: "planned" | "done";
  readonly counts: Readonly<Record<string, number>>;
  /** Records of others in dead letters that go as a whole. */
  readonly lettersOfOthers: number;
  /** Accepted before and not stored in time: these rows are not erased. */
  readonly onTheWay: OnTheWay | null;
  /** Whether the bytes are gone from the disk of the store; false: within minutes. */
  readonly goneFromDisk: boolean | null;
  /** What keeps the value as a name of cells, not of rows. */
  readonly namesKept: Readonly<Record<string, number>> | null;
  readonly datasets: readonly { readonly run: string; readonly folder: string }[];
}

interface Found {
  readonly counts: Readonly<Record<string, number>>;
  readonly letters: readonly FoundLetter[];
  readonly first: number;
  readonly last: number;
}

const RESUME_MS = 500;

export class Erasures {
  private running: Promise<unknown> | null = null;
  private readonly deps: ErasureDeps;

  constructor(deps: ErasureDeps) {
    this.deps = deps;
  }

  /** While one runs nobody else repairs rollups. */
  get isRunning(): boolean {
    return this.running !== null;
  }

  /** @throws {DriftmendError} conflict while another runs, or where another collector must do it */
  async erase(body: ErasureBody): Promise<ErasureAnswer> {
    const subject = subjectOf(body);
    if (body.dryRun) return this.plan(body, subject);
    const owner = this.owner();
    return this.alone(() => this.eraseNow(body, subject, owner));
  }

  /** Resolves when nothing is left that a process which ended had begun. */
  async finishBegun(abort: AbortSignal): Promise<void> {
    while (!abort.aborted) {
      try {
        if (await this.resume()) return;
      } catch (error) {
        this.deps.logger.warn({ err: error }, "an erasure is not finished; it is tried again");
      }
      await this.deps.clock.sleep(RESUME_MS, abort).catch(() => undefined);
    }
  }

  /** @returns false where that is not ours to do now */
  private async resume(): Promise<boolean> {
    const epoch = this.deps.epochOf();
    if (epoch === null || this.isRunning) return false;
    const begun = await this.deps.store.query(unfinishedErasures, {});
    if (begun.length === 0) return true;
    await this.alone(async () => {
      for (const row of begun) await this.finish(row, null, { shard: 0, epoch });
    });
    return true;
  }

  private async plan(body: ErasureBody, subject: Subject): Promise<ErasureAnswer> {
    const found = await this.find(body, subject);
    return {
      ...{ id: null, state: "planned", counts: found.counts, onTheWay: null, goneFromDisk: null },
      ...(await this.beside(body, found)),
    };
  }

  private async eraseNow(
    body: ErasureBody,
    subject: Subject,
    owner: Ownership,
  ): Promise<ErasureAnswer> {
    const onTheWay = await untilStored(this.deps);
    const found = await this.find(body, subject);
    const beside = await this.beside(body, found);
    const row = await this.begin(body, subject, found);
    const goneFromDisk = await this.finish(row, body, owner);
    const { id, counts } = row;
    return { id, state: "done", counts, onTheWay, goneFromDisk, ...beside };
  }

  private async find(body: ErasureBody, subject: Subject): Promise<Found> {
    const { store } = this.deps;
    const { model, kind, name, hashes } = subject;
    const [counts] = await store.query(erasureQueries(kind).counts, { model, name, hashes });
    if (counts === undefined) throw new TypeError("an aggregate has one row");
    const letters = await findLetters(body, "", store);
    const { first, last, ...rows } = counts;
    const tag = tagOf(body);
    const quarantine = tag === null ? 0 : await countQuarantine(tag, store);
    return { counts: { ...rows, dead_letters: letters.length, quarantine }, letters, first, last };
  }

  private async beside({ model, what }: ErasureBody, found: Found) {
    const { store } = this.deps;
    const kept =
      what.kind === "prediction"
        ? []
        : await store.query(namesKept, { model, name: what.name, value: what.value });
    const { first: from, last: to } = found;
    const none = (found.counts["predictions"] ?? 0) === 0;
    const datasets = none ? [] : await store.query(datasetsAfter, { model, from, to });
    const lettersOfOthers = found.letters.reduce((sum, { rows }) => sum + rows - 1, 0);
    return { namesKept: kept[0] ?? null, datasets, lettersOfOthers };
  }

  /** From here on recovery knows of it. */
  private async begin(body: ErasureBody, subject: Subject, found: Found): Promise<ErasureRow> {
    const { store, clock } = this.deps;
    const { model, kind, name, hashes } = subject;
    const queries = erasureQueries(kind);
    const params = { model, name, hashes };
    const limit = LIMITS.groupsVerified;
    const hours = await store.query(queries.hours, params);
    const groups = await store.query(queries.groups, { ...params, limit });
    const asked = clock.nowMs();
    const row: ErasureRow = {
      ...{ id: erasureId(subject, asked), model, kind, name, hashes, asked, state: "begun" },
      ...{ by: body.by, reason: body.reason, hours: hours.map(({ hour }) => hour) },
      groups: withLetters(groups, found.letters),
      counts: found.counts,
      finished: null,
      revision: 1,
    };
    await store.insert("erasures", [row]);
    await store.command(queries.writeIds, { ...params, erasure: row.id, asked });
    return row;
  }

  /** @param body null after a restart: the plain text is not known, hashes are enough for all but samples */
  private async finish(
    row: ErasureRow,
    body: ErasureBody | null,
    owner: Ownership,
  ): Promise<boolean> {
    const { store, clock } = this.deps;
    const { model, kind, name, hashes, id: erasure } = row;
    const subject = { model, name, hashes };
    const queries = erasureQueries(kind);
    if (body === null) {
      await store.command(queries.writeIds, { ...subject, erasure, asked: row.asked });
    }
    const steps: readonly (readonly [ErasedTable, () => Promise<void>])[] = [
      ["outcomes", () => store.command(queries.deleteOutcomes, { ...subject, erasure })],
      ["labels", () => store.command(deleteLabels, { model, erasure })],
      ["waiting_labels", () => store.command(deleteWaitingLabels, { model, erasure })],
      ["dead_letters", () => this.eraseLetters(body ?? withoutText(row), erasure)],
      ["quarantine", () => this.eraseQuarantine(body)],
      // Last: they say which hours and ids are meant, should this process end before.
      ["predictions", () => store.command(queries.deletePredictions, subject)],
    ];
    let gone = true;
    for (const [table, step] of steps) {
      if (body !== null && (row.counts[table] ?? 0) === 0) continue;
      gone = (await withoutReplacedParts(table, this.deps, step)) && gone;
    }
    if (body?.what.kind === "prediction") this.deps.waiting.remove(model, body.what.id);
    await this.lowerRollups(row, owner);
    const finished = clock.nowMs();
    await store.insert("erasures", [{ ...row, state: "done", finished, revision: 2 }]);
    this.deps.metrics.erasures.inc();
    this.deps.logger.info({ erasure, model, counts: row.counts }, "erased");
    return gone;
  }

  private async eraseLetters(body: ErasureBody, erasure: string): Promise<void> {
    for (;;) {
      const found = await findLetters(body, erasure, this.deps.store);
      if (found.length === 0) return;
      const letters = found.map(({ letter }) => letter);
      await this.deps.store.command(deleteDeadLetters, { letters });
    }
  }

  private async eraseQuarantine(body: ErasureBody | null): Promise<void> {
    const tag = body === null ? null : tagOf(body);
    if (tag !== null) await eraseFromQuarantine(tag, this.deps.store);
  }

  /** Rollups follow raw where raw is kept; that is no damage, and not counted as one. */
  private async lowerRollups({ model, hours }: ErasureRow, owner: Ownership): Promise<void> {
    if (hours.length === 0) return;
    const { metrics, gate } = this.deps;
    const deps = {
      ...this.deps,
      logger: silentLogger,
      metrics: { ...metrics, repairs: metrics.erasedCells },
    };
    await gate.exclusive(async () => {
      await this.deps.book.ensure(model);
      await repairDaysOf(model, hours, owner, deps);
    });
  }

  private owner(): Ownership {
    const epoch = this.deps.epochOf();
    if (epoch !== null) return { shard: 0, epoch };
    throw conflict("this collector must own shard 0: another does, or none yet");
  }

  private async alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.running !== null) throw conflict("one erasure runs at a time: another is running");
    const running = work();
    this.running = running;
    try {
      return await running;
    } finally {
      this.running = null;
    }
  }
}

function withLetters(
  groups: readonly { shard: number; n: number; predictions: number; labels: number }[],
  letters: readonly FoundLetter[],
): ErasureRow["groups"] {
  const byGroup = new Map(
    groups.map((group) => [`${group.shard}/${group.n}`, { ...group, dead_letters: 0 }]),
  );
  for (const { shard, n } of letters) {
    const key = `${shard}/${n}`;
    const known = byGroup.get(key) ?? { shard, n, predictions: 0, labels: 0, dead_letters: 0 };
    byGroup.set(key, { ...known, dead_letters: known.dead_letters + 1 });
  }
  return [...byGroup.values()];
}

function tagOf({ model, what }: ErasureBody) {
  return what.kind === "tag" ? { model, tag: what.name, value: what.value } : null;
}

/** After a restart only letters that name an id are found. */
function withoutText(row: ErasureRow): ErasureBody {
  const { model, by, reason } = row;
  const what = { kind: "tag", name: "", value: "" } as const;
  return { model, by, reason, what, dryRun: false };
}

const conflict = (state: string): DriftmendError =>
  new DriftmendError("conflict", {
    retry: "later",
    message: `Cannot erase as ${state}`,
    next: "Ask again in a minute.",
  });
