/**
 * Frames and Native blocks as a collector takes them from NATS, with a right CRC over whatever they hold: decoded,
 * checked, put into a group with its rollups. Nothing may throw, and every row is stored or a dead letter.
 */
import { GroupBuilder } from "../../../collector/group-builder.ts";
import { ownPieces } from "../../../collector/group-store.ts";
import { DEFAULT_MODEL_SETTINGS } from "../../../collector/model-settings.ts";
import { checkFrame } from "../../../collector/payload-check.ts";
import { featureBlocks, modelBlock } from "../../../collector/rollup/rollup-blocks.ts";
import { decodeFrame, encodeFrame, type FrameHeader } from "../../../contract/frame.ts";
import { LIMITS } from "../../../contract/limits.ts";
import { readBlocks } from "../../../contract/native-block.ts";
import {
  buildDeadLetterBlock,
  buildLabelBlock,
  buildPredictionBlock,
} from "../../../contract/payload-blocks.ts";
import type { Random } from "../../../runtime/random.ts";
import { NOW_MS } from "../../agent/capture-harness.ts";
import { type Door, Violation } from "../door.ts";
import { chance, hostileNumber, hostileText, pick, sized } from "../hostile-values.ts";
import { mutate } from "../mutate.ts";

const SPOOL = "0".repeat(32);
const TIMES = [0, -1, 253_402_300_800_000, 2 ** 53 - 1, Date.UTC(2100, 0)] as const;
const time = (random: Random, nowMs: number): number =>
  chance(random, 0.95) ? nowMs - sized(random, 1e8) : pick(random, TIMES);
const entries = (random: Random, value: () => unknown): Record<string, never> =>
  Object.fromEntries(
    Array.from({ length: sized(random, 6) }, () => [hostileText(random).slice(0, 200), value()]),
  ) as Record<string, never>;
const modelName = (random: Random): string =>
  chance(random, 0.9) ? pick(random, ["m", "flights", "a b"]) : hostileText(random);

export function hostileBlock(
  random: Random,
  table: FrameHeader["sections"][0]["table"],
  nowMs: number,
) {
  const count = 1 + sized(random, 20);
  const rows = Array.from({ length: count }, (_, i) => {
    const id = chance(random, 0.9) ? `r${i}` : hostileText(random);
    const model = modelName(random);
    if (table === "predictions") {
      return {
        ...{
          model,
          id,
          ts: time(random, nowMs),
          version: chance(random, 0.8) ? "v1" : hostileText(random),
        },
        ...{
          num: entries(random, () => hostileNumber(random)),
          cat: entries(random, () => hostileText(random)),
        },
        ...{ tags: entries(random, () => hostileText(random)), score: hostileNumber(random) },
        ...{ value: hostileNumber(random), latency: hostileNumber(random) },
        ...(chance(random, 0.2) ? { error: hostileText(random) } : {}),
      };
    }
    if (table === "labels") {
      return {
        ...{
          model,
          id,
          time: time(random, nowMs),
          label: hostileText(random),
          value: hostileNumber(random),
        },
        ...(chance(random, 0.5) ? { prediction_time: time(random, nowMs) } : {}),
        revision: chance(random, 0.9) ? random.integer(5) : Number.MAX_SAFE_INTEGER,
      };
    }
    const reason = hostileText(random);
    return { time: time(random, nowMs), record: "labels" as const, reason, model, id };
  });
  return { rows: count, payload: blockOf(table, rows as never) };
}

function blockOf(table: string, rows: never): Uint8Array {
  if (table === "predictions") return buildPredictionBlock(rows);
  return table === "labels" ? buildLabelBlock(rows) : buildDeadLetterBlock(rows);
}

const HEADER_LIES: readonly ((random: Random, header: Record<string, unknown>) => void)[] = [
  (random, header) => (header["acceptedMs"] = pick(random, TIMES)),
  (random, header) =>
    (header["clocks"] = [{ model: hostileText(random), timeMs: pick(random, TIMES) }]),
  (_, header) =>
    (header["clocks"] = Array.from({ length: 500 }, (_, i) => ({ model: `c${i}`, timeMs: 1 }))),
  (random, header) => (header["digests"] = [hostileText(random)]),
  (_, header) => (header["sections"] = []),
  (_, header) => (header["__proto__"] = { spool: 1 }),
];

/** Sections of frames with sound or damaged blocks, and headers that say what is not so. */
export function hostileFrame(random: Random, spool: string, seq: number, nowMs: number): Buffer {
  const payloads: Uint8Array[] = [];
  const sections = Array.from({ length: 1 + sized(random, 3) }, () => {
    const table = pick(random, ["predictions", "predictions", "labels", "dead_letters"] as const);
    const { rows, payload } = hostileBlock(random, table, nowMs);
    const other = hostileBlock(random, table, nowMs).payload;
    const sent = chance(random, 0.6)
      ? mutate(random, Buffer.from(payload), Buffer.from(other))
      : payload;
    payloads.push(sent);
    const said = chance(random, 0.95) ? rows : pick(random, [0, rows + 1, 2 ** 53 - 1]);
    const span = { fromMs: nowMs, toMs: pick(random, [nowMs, -5, 2 ** 53 - 1]) };
    return {
      table,
      rows: said,
      bytes: sent.length,
      ...span,
      models: { [modelName(random)]: rows },
    };
  });
  const header = { spool, seq, acceptedMs: nowMs, digests: [], sections, clocks: [] };
  if (chance(random, 0.1)) pick(random, HEADER_LIES)(random, header);
  return encodeFrame(header as FrameHeader, payloads);
}

export function nativeDoor(): Door {
  const day = 86_400_000;
  const since = { fromMs: NOW_MS - 90 * day, toMs: NOW_MS + LIMITS.storedAheadMsMax };
  const bounds = { predictions: since, labels: since, deadLetters: since, serverMetrics: since };
  return {
    name: "native",
    weight: 12,
    make: (random) => {
      const frame = hostileFrame(random, SPOOL, 1, NOW_MS);
      return chance(random, 0.1) ? mutate(random, frame, frame) : frame;
    },
    feed: (payload) => {
      const frame = decodeFrame(payload);
      if (frame.kind === "bad")
        return `refused: ${frame.reason.split("\n")[0]!.replaceAll(/\d+/g, "#")}`;
      const checked = checkFrame(frame, bounds);
      const group = new GroupBuilder(0, {
        settingsOf: () => DEFAULT_MODEL_SETTINGS,
        segmentValues: { isKnown: () => false },
      });
      group.add(checked, 1);
      JSON.stringify(group.manifest(1, 1));
      for (const { bytes } of featureBlocks(group.rollups).values()) readBlocks(bytes);
      modelBlock(group.rollups.models);
      ownPieces(group);
      const stored = group.sections.reduce((sum, { rows }) => sum + rows, 0);
      const letters = checked.deadLetters;
      const refused = letters.reduce((sum, { rows }) => sum + rows, 0);
      const said = frame.sections.reduce((sum, { rows }) => sum + rows, 0);
      if (stored + refused !== said) {
        throw new Violation(`of ${said} rows ${stored} are stored and ${refused} dead letters`);
      }
      if (stored > 0) return refused === 0 ? "accepted" : "accepted: in part";
      return `refused: ${letters[0]?.reason ?? "no rows"}`;
    },
    checkSound: () => {
      const rows = [{ model: "m", id: "good", ts: NOW_MS }];
      const payload = buildPredictionBlock(rows);
      const section = { table: "predictions", rows: 1, bytes: payload.length } as const;
      const span = { fromMs: NOW_MS, toMs: NOW_MS, models: { m: 1 } };
      const header = { spool: SPOOL, seq: 1, acceptedMs: NOW_MS, digests: [], clocks: [] };
      const frame = decodeFrame(
        encodeFrame({ ...header, sections: [{ ...section, ...span }] }, [payload]),
      );
      if (frame.kind === "bad" || checkFrame(frame, bounds).predictions[0]?.columns.rows !== 1) {
        throw new Violation("a sound frame was refused");
      }
    },
  };
}
