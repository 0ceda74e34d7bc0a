/** What a document would do, as lines for a person: the answer of the preview route. */
import { z } from "zod";
import type { CommandContext } from "./command-context.ts";
import { formatCount, formatInstant } from "./format.ts";
import { renderPairs, renderTable } from "./table.ts";

export const Preview = z.object({
  model: z.string(),
  refusal: z
    .object({ code: z.string(), message: z.string(), next: z.string().nullable() })
    .nullable(),
  revision: z.number().nullable(),
  changes: z.array(z.object({ path: z.string(), from: z.unknown(), to: z.unknown() })),
  traffic: z
    .object({ rows: z.number(), from: z.string(), to: z.string(), rowsPerDay: z.number() })
    .nullable(),
  findings: z.array(z.object({ kind: z.string(), subject: z.string(), text: z.string() })),
  watched: z.array(
    z.object({ rule: z.string(), state: z.enum(["on", "waits", "off"]), text: z.string() }),
  ),
  shifts: z.array(
    z.object({
      feature: z.string(),
      shift: z.number().nullable(),
      rows: z.number(),
      rowsEffective: z.number().nullable(),
      dependenceKnown: z.boolean(),
    }),
  ),
  past: z
    .object({
      from: z.string(),
      to: z.string(),
      alerts: z.array(
        z.object({
          id: z.string(),
          kind: z.string(),
          severity: z.string(),
          title: z.string(),
          fired: z.string(),
        }),
      ),
    })
    .nullable(),
  notes: z.array(z.string()),
});
export type Preview = z.output<typeof Preview>;

/** What `model apply --dry-run` says. */
export function previewLines(preview: Preview, context: CommandContext): string[] {
  const { paint } = context;
  const head = paint("bold", preview.model);
  const standing =
    preview.revision === null
      ? "has no document; it is compared with the built-in defaults"
      : `has revision ${preview.revision}`;
  return [
    `${head}: ${standing}. Nothing was stored.`,
    ...(preview.refusal === null
      ? []
      : [
          paint("red", `It would be refused: ${preview.refusal.message} [${preview.refusal.code}]`),
        ]),
    "",
    ...differenceLines(preview, context),
    "",
    paint("bold", "What would be watched"),
    ...renderTable(
      [
        {
          title: "state",
          value: ({ state }) => paint(STATE_STYLE[state], state),
        },
        { title: "rule", value: ({ rule }) => rule },
        { title: "how", value: ({ text }) => text },
      ],
      preview.watched,
      { ...context, columns: Number.POSITIVE_INFINITY },
    ),
    "",
    ...shiftLines(preview, context),
    "",
    ...pastLines(preview, context),
    ...preview.notes.map((note) => paint("yellow", `Note: ${note}`)),
  ];
}

const STATE_STYLE = { on: "green", waits: "yellow", off: "dim" } as const;

/** What `model diff` says: beside the document that holds, and beside the traffic. */
export function differenceLines(preview: Preview, context: CommandContext): string[] {
  const { paint } = context;
  const { changes, findings, traffic } = preview;
  const shown = (value: unknown): string =>
    value === null ? "(not there)" : JSON.stringify(value);
  return [
    paint("bold", preview.revision === null ? "Beside the built-in defaults" : "Beside what holds"),
    ...(changes.length === 0
      ? ["  no difference"]
      : renderPairs(
          changes.map(({ path, from, to }) => [`  ${path}`, `${shown(from)} → ${shown(to)}`]),
          context,
        )),
    "",
    paint("bold", "Beside the traffic"),
    ...(traffic === null
      ? ["  no prediction of this model has come"]
      : [
          `  ${formatCount(traffic.rows)} predictions were looked at, the newest; ${formatCount(traffic.rowsPerDay)} a day come`,
          ...(findings.length === 0
            ? ["  every declared column comes as declared"]
            : renderPairs(
                findings.map(({ kind, subject, text }) => [`  ${kind} ${subject}`, text]),
                context,
              )),
        ]),
  ];
}

function shiftLines({ shifts }: Preview, context: CommandContext): string[] {
  const { paint } = context;
  const title = paint("bold", "Smallest shift that a week of this traffic shows");
  if (shifts.length === 0) return [title, "  unknown: too few predictions have come to count them"];
  const free = shifts.some(({ dependenceKnown }) => !dependenceKnown);
  return [
    title,
    ...renderTable(
      [
        { title: "  column", value: ({ feature }) => `  ${feature}` },
        {
          title: "shift",
          value: ({ shift }) => (shift === null ? "none" : `${shift.toFixed(3)} σ`),
          align: "right",
        },
        { title: "rows", value: ({ rows }) => formatCount(rows), align: "right" },
        {
          title: "worth independent rows",
          value: ({ rowsEffective, dependenceKnown }) =>
            `${rowsEffective === null ? "" : formatCount(rowsEffective)}${dependenceKnown ? "" : " *"}`,
          align: "right",
        },
      ],
      shifts,
      context,
    ),
    ...(free
      ? ["  * taken as independent: how much rows depend on each other is learnt from a week on"]
      : []),
  ];
}

function pastLines({ past }: Preview, context: CommandContext): string[] {
  const { paint } = context;
  if (past === null) return [paint("bold", "The past"), "  was not looked at, or there is none"];
  const { alerts } = past;
  const pages = alerts.filter(({ severity }) => severity === "page").length;
  const span = `${formatInstant(past.from)} to ${formatInstant(past.to)}`;
  return [
    paint(
      "bold",
      `The past would have given ${alerts.length === 1 ? "1 alert" : `${alerts.length} alerts`}, ${pages} of them pages`,
    ),
    `  ${span}, judged by the same rules and code`,
    ...renderTable(
      [
        { title: "  fired", value: ({ fired }) => `  ${formatInstant(fired)}` },
        { title: "severity", value: ({ severity }) => severity },
        { title: "what", value: ({ title }) => title },
      ],
      alerts,
      context,
    ).slice(alerts.length === 0 ? 1 : 0),
  ];
}
