/** What is firing, why, and what a person does about it. */
import { z } from "zod";
import { AlertDetail, AlertTest, AlertView } from "../../contract/alert.ts";
import { Duration } from "../../contract/duration.ts";
import { type CommandContext, optionsOf } from "../command-context.ts";
import { formatFact, formatInstant, formatTime } from "../format.ts";
import { pathOfId } from "../find-id.ts";
import { type Remote, answer, connectRemote, encode } from "../remote.ts";
import { checkModel } from "../known-models.ts";
import { type Column, renderPairs, renderTable } from "../table.ts";
import { asTyped } from "../typed-command.ts";

const STYLE = { page: "red", ticket: "yellow", info: "cyan" } as const;
/** What fires comes first; `total` counts what the answer had no room for. */
export const AlertList = z.object({ alerts: z.array(AlertView), total: z.int() });
const ListOptions = z.object({ all: z.boolean().optional(), model: z.string().optional() });

export async function alerts(context: CommandContext): Promise<number> {
  const remote = connectRemote(context);
  const options = optionsOf(context, ListOptions);
  const query = options.model === undefined ? "" : `?model=${encode(options.model)}`;
  const { alerts: every, total } = await remote.api.request({
    path: `/api/v1/alerts${query}`,
    schema: AlertList,
  });
  if (every.length === 0 && options.model !== undefined) await checkModel(remote, options.model);
  const shown = every
    .filter((alert) => options.all === true || alert.state !== "resolved")
    .toSorted((a, b) => b.from.localeCompare(a.from));
  answer(context, remote, shown, () =>
    shown.length === 0
      ? [
          options.all === true
            ? "No alerts so far"
            : asTyped(
                `Nothing is firing; ${total} resolved ("driftmend alerts --all" lists them)`,
                context.typed,
              ),
        ]
      : [
          ...renderTable(columns(context), shown, context),
          ...(shown.length === every.length && total > every.length
            ? [`and ${total - every.length} more`]
            : []),
          "",
          `The whole explanation, and what to do: ${context.paint("cyan", asTyped("driftmend why <alert>", context.typed))}`,
        ],
  );
  return 0;
}

function columns(context: CommandContext): Column<AlertView>[] {
  const severity = (alert: AlertView): string =>
    alert.state === "resolved"
      ? alert.severity
      : context.paint(STYLE[alert.severity], alert.severity);
  return [
    { title: "alert", value: ({ id }) => id },
    { title: "severity", value: severity },
    { title: "state", value: stateOf },
    { title: "from (UTC)", value: ({ from }) => formatTime(Date.parse(from)) },
    { title: "to (UTC)", value: ({ to }) => (to === null ? "" : formatTime(Date.parse(to))) },
    { title: "model", value: ({ model }) => model },
    { title: "what", value: ({ title }) => title },
  ];
}

function stateOf(alert: AlertView): string {
  if (alert.silenced !== null) return `${alert.state}, silenced`;
  return alert.acknowledged === null ? alert.state : `${alert.state}, seen`;
}

export async function why(context: CommandContext): Promise<number> {
  const remote = connectRemote(context);
  const id = context.args[0] ?? (await newestAlert(remote));
  if (id === null) {
    answer(context, remote, null, () => ["No alerts so far"]);
    return 0;
  }
  const { path } = await pathOfId(remote, "alert", id);
  const alert = await remote.api.request({ path, schema: AlertDetail });
  answer(context, remote, alert, () => explain(alert, context));
  return 0;
}

/** Of the open ones, else of all; null where there is none. */
async function newestAlert(remote: Remote): Promise<string | null> {
  const { alerts: every } = await remote.api.request({ path: "/api/v1/alerts", schema: AlertList });
  const newest = every.toSorted((a, b) => sinceOf(b).localeCompare(sinceOf(a)));
  return (newest.find(({ state }) => state !== "resolved") ?? newest[0])?.id ?? null;
}

/** When it told somebody, else since when it looks so. */
const sinceOf = ({ fired, from }: AlertView): string => fired ?? from;

/** The parts in the order of INTERFACES: what, cost, cause, where, how sure, changes, loop, commands. */
function explain(alert: AlertDetail, context: CommandContext): string[] {
  const { explanation, numbers } = alert;
  const state = `${alert.severity}, ${stateOf(alert)}`;
  return [
    `${context.paint("bold", `${alert.model}: ${alert.title}`)} (${context.paint(STYLE[alert.severity], state)})`,
    "",
    ...renderPairs(
      [
        ["what", alert.text],
        ["since", formatInstant(explanation.since)],
        ["cost", explanation.cost],
        ["cause", `${explanation.cause}: ${explanation.causeText}`],
        ["where", explanation.where],
        ["how sure", explanation.certainty],
        [
          "changes",
          explanation.changes.length === 0 ? "none known" : explanation.changes.join("; "),
        ],
        ["loop", explanation.loop],
      ],
      context,
    ),
    "",
    ...renderPairs(
      Object.entries(numbers).map(([name, value]) => [name, formatFact(name, value)]),
      context,
    ),
    ...alert.told.map(({ at, text }) => `${formatInstant(at)}  told: ${text}`),
    ...alert.annotations.map(({ at, text }) => `${formatInstant(at)}  ${text}`),
    "",
    ...explanation.commands.map(
      (command) => `  ${context.paint("cyan", asTyped(command, context.typed))}`,
    ),
    context.paint("dim", `replay digest ${alert.replayDigest}`),
  ];
}

/** Sends a test through the channels that the model's document names. */
export async function test(context: CommandContext): Promise<number> {
  const remote = connectRemote(context);
  const model = context.args[0] ?? "";
  const result = await remote.api.request({
    ...{ method: "POST", path: `/api/v1/models/${encode(model)}/alerts/test`, body: {} },
    schema: AlertTest,
  });
  answer(context, remote, result, () =>
    result.answers.length === 0
      ? [
          `Alerts of ${model} go to no channel: they stay in the list (driftmend alerts)`,
          "Name channels in its document (alerts.page, ticket, info) or as defaults: docs/alerts.md",
        ]
      : renderTable<AlertTest["answers"][number]>(
          [
            { title: "channel", value: ({ channel }) => channel },
            { title: "gets", value: ({ severities }) => severities.join(", ") },
            {
              title: "test",
              value: ({ delivered }) =>
                context.paint(delivered ? "green" : "red", delivered ? "delivered" : "FAILED"),
            },
            { title: "answer", value: ({ detail }) => detail },
          ],
          result.answers,
          context,
        ),
  );
  return result.answers.every(({ delivered }) => delivered) ? 0 : 1;
}

const ByOptions = z.object({ by: z.string().optional() });

export async function acknowledge(context: CommandContext): Promise<number> {
  const { by } = optionsOf(context, ByOptions);
  return act(context, "acknowledge", { by: by ?? userOf(context) }, "acknowledged");
}

const SilenceOptions = ByOptions.extend({ for: Duration, reason: z.string().min(1) });

export async function silence(context: CommandContext): Promise<number> {
  const options = optionsOf(context, SilenceOptions);
  const until = new Date(context.clock.nowMs() + options.for).toISOString();
  const body = { until, reason: options.reason, by: options.by ?? userOf(context) };
  return act(context, "silence", body, `silent until ${formatInstant(until)}`);
}

const userOf = (context: CommandContext): string => context.env["USER"] ?? "cli";

async function act(
  context: CommandContext,
  action: "acknowledge" | "silence",
  body: object,
  done: string,
): Promise<number> {
  const remote = connectRemote(context);
  const { id, path } = await pathOfId(remote, "alert", context.args[0] ?? "");
  const result = await remote.api.request({
    ...{ method: "POST", path: `${path}/${action}`, body },
    schema: z.unknown(),
  });
  answer(context, remote, result, () => [`Alert ${id}: ${done}`]);
  return 0;
}
