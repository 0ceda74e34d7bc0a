/** NATS subjects and streams in one place. A model's name is percent-encoded outside [A-Za-z0-9_-]. */

const PREFIX = "driftmend.v1";

/** Percent-encodes a name for use as one token of a subject; UTF-8 bytes outside [A-Za-z0-9_-]. */
export function subjectToken(name: string): string {
  let token = "";
  for (const byte of new TextEncoder().encode(name)) {
    const char = String.fromCharCode(byte);
    token += /[A-Za-z0-9_-]/.test(char)
      ? char
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return token;
}

/** The inverse of `subjectToken`. */
export function nameOfToken(token: string): string {
  return decodeURIComponent(token);
}

export const subjects = {
  frames: (shard: number): string => `${PREFIX}.frames.${shard}`,
  /** Lines of predictions, or of labels; the model is one token, which stands for itself. */
  ingest: (kind: "events" | "labels"): string =>
    kind === "events" ? `${PREFIX}.ingest.*` : `${PREFIX}.ingest.*.labels`,
  /** Where labels of one model are handed in. */
  ingestLabels: (model: string): string => `${PREFIX}.ingest.${subjectToken(model)}.labels`,
  head: (spool: string): string => `${PREFIX}.head.${spool}`,
  stored: (spool: string): string => `${PREFIX}.stored.${spool}`,
  want: (spool: string): string => `${PREFIX}.want.${spool}`,
  watermark: (model: string): string => `${PREFIX}.watermark.${subjectToken(model)}`,
  analyzed: (model: string): string => `${PREFIX}.analyzed.${subjectToken(model)}`,
  settled: (model: string): string => `${PREFIX}.settled.${subjectToken(model)}`,
  model: (model: string): string => `${PREFIX}.model.${subjectToken(model)}`,
  models: `${PREFIX}.models`,
  grids: (model: string): string => `${PREFIX}.grids.${subjectToken(model)}`,
  alert: (model: string): string => `${PREFIX}.alert.${subjectToken(model)}`,
  run: (model: string): string => `${PREFIX}.run.${subjectToken(model)}`,
  replay: (model: string): string => `${PREFIX}.replay.${subjectToken(model)}`,
  /** Every subject of one kind: `all("head")`. */
  all: (
    kind:
      | "head"
      | "watermark"
      | "analyzed"
      | "settled"
      | "model"
      | "grids"
      | "alert"
      | "run"
      | "replay",
  ): string => `${PREFIX}.${kind}.>`,
} as const;

export const frameStream = (shard: number): string => `DRIFTMEND_FRAMES_${shard}`;

/** The shard of a spool: its first four bytes modulo the number of shards. */
export function shardOfSpool(spool: string, shards: number): number {
  return Number.parseInt(spool.slice(0, 8), 16) % shards;
}
