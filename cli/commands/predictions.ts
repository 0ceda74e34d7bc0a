/** `driftmend tail` and `driftmend rows`: predictions as they were decoded, out of ClickHouse. */
import { z } from "zod";
import { AlertRowsView, type RowView } from "../../contract/views.ts";
import type { Store } from "../../store/client.ts";
import {
  type PredictionRow,
  lastPredictions,
  predictionsBetween,
} from "../../store/queries/last-predictions.ts";
import { type CommandContext, optionsOf } from "../command-context.ts";
import { formatCount, formatInstant, formatNumber, formatTime } from "../format.ts";
import { pathOfId } from "../find-id.ts";
import { checkModel } from "../known-models.ts";
import { answer, connectRemote, localSystem, withStore } from "../remote.ts";
import { type Column, renderTable } from "../table.ts";

const TailOptions = z.object({ rows: z.int(), follow: z.boolean().optional() });
const RowsOptions = z.object({ rows: z.int() });
const FOLLOW_EVERY_MS = 1_000;
const FOLLOW_ROWS_MAX = 200;

const COLUMNS: readonly Column<PredictionRow>[] = [
  { title: "time (UTC)", value: (row) => formatTime(row.ts) },
  { title: "id", value: (row) => row.id },
  { title: "version", value: (row) => row.version },
  { title: "answer", value: answerOf, align: "right" },
  { title: "features and tags", value: featuresOf },
];

function answerOf(row: PredictionRow): string {
  if (row.error !== "") return `error ${row.error}`;
  if (row.score !== null) return formatNumber(row.score);
  return row.value === null ? row.label : formatNumber(row.value);
}

function featuresOf(row: PredictionRow): string {
  const numbers = Object.entries(row.num).map(([name, value]) => `${name}=${formatNumber(value)}`);
  const texts = Object.entries({ ...row.cat, ...row.tags }).map(
    ([name, value]) => `${name}=${value}`,
  );
  return [...numbers, ...texts].join(" ");
}

export async function tail(context: CommandContext): Promise<number> {
  const remote = connectRemote(context);
  const options = optionsOf(context, TailOptions);
  const model = context.args[0] ?? "";
  const ready = localSystem(remote, "show rows");
  return withStore(context, ready, async (store) => {
    const rows = await newest(store, model, 0, options.rows);
    if (rows.length === 0 && options.follow !== true) await checkModel(remote, model);
    answer(context, remote, rows, () =>
      rows.length === 0
        ? [`No predictions of "${model}" are stored yet`]
        : renderTable(COLUMNS, rows, context),
    );
    let lastMs = rows.at(-1)?.ts ?? 0;
    while (options.follow === true) {
      await context.clock.sleep(FOLLOW_EVERY_MS);
      const more = await rowsSince(store, model, lastMs, FOLLOW_ROWS_MAX);
      lastMs = more.rows.at(-1)?.ts ?? lastMs;
      if (more.leftOut > 0) context.note(`… ${formatCount(more.leftOut)} rows are left out`);
      for (const row of more.rows) {
        if (remote.json) context.print(JSON.stringify(row));
        else context.print(renderTable(COLUMNS, [row], context)[1] ?? "");
      }
    }
    return 0;
  });
}

/** The newest rows after `fromMs`, oldest first, and how many before them are left out. */
export async function rowsSince(
  store: Store,
  model: string,
  fromMs: number,
  rowsMax: number,
): Promise<{ readonly rows: PredictionRow[]; readonly leftOut: number }> {
  const rows = await newest(store, model, fromMs, rowsMax);
  const toMs = rows.at(-1)?.ts;
  if (toMs === undefined || rows.length < rowsMax) return { rows, leftOut: 0 };
  const [all] = await store.query(predictionsBetween, { model, fromMs, toMs });
  return { rows, leftOut: Math.max(0, (all?.n ?? 0) - rows.length) };
}

/** The newest rows after `fromMs`, oldest first. */
async function newest(
  store: Store,
  model: string,
  fromMs: number,
  rowsMax: number,
): Promise<PredictionRow[]> {
  return (await store.query(lastPredictions, { model, fromMs, rowsMax })).toReversed();
}

export async function rows(context: CommandContext): Promise<number> {
  const remote = connectRemote(context);
  const options = optionsOf(context, RowsOptions);
  const { path } = await pathOfId(remote, "alert", context.args[0] ?? "");
  const found = await remote.api.request({
    path: `${path}/rows?limit=${options.rows}`,
    schema: AlertRowsView,
  });
  const span = `${formatInstant(found.from)} to ${formatInstant(found.to)}`;
  answer(context, remote, found.rows, () =>
    found.rows.length === 0
      ? [`${found.title}: there are no ${found.which} (${span})`]
      : [
          `${found.title}: ${found.rows.length} ${found.which} (${span})`,
          ...renderTable(COLUMNS, found.rows.map(decoded), context),
        ],
  );
  return 0;
}

/** A row of the API as the tables read it. */
function decoded({ time, latencySeconds, features, ...row }: RowView): PredictionRow {
  const num: Record<string, number> = {};
  const cat: Record<string, string> = {};
  for (const [name, value] of Object.entries(features)) {
    if (typeof value === "string") cat[name] = value;
    else num[name] = value ?? Number.NaN;
  }
  return { ...row, ts: Date.parse(time), latency: latencySeconds, num, cat };
}
