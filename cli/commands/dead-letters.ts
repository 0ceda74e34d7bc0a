/** Records that could not be taken: counts by reason, one with what it was, and sent once more when they were put right. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { type CommandContext, optionsOf } from "../command-context.ts";
import { formatCount, formatTime } from "../format.ts";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { postLines } from "../agent-door.ts";
import { type Remote, answer, connectRemote, encode } from "../remote.ts";
import { renderPairs, renderTable } from "../table.ts";
import { asTyped } from "../typed-command.ts";

const Options = z.object({ model: z.string().optional() });
const ByReason = z.looseObject({ model: z.string(), reason: z.string(), rows: z.number() });
const Letter = z.looseObject({
  letter: z.string(),
  model: z.string(),
  time: z.string(),
  record: z.string(),
  id: z.string(),
  reason: z.string(),
  detail: z.string(),
});
const Answer = z.object({ byReason: z.array(ByReason), letters: z.array(Letter) });
const LETTERS_SHOWN = 10;

export async function list(context: CommandContext): Promise<number> {
  const remote = connectRemote(context);
  const { model } = optionsOf(context, Options);
  const query = model === undefined ? "" : `?model=${encode(model)}`;
  const found = await remote.api.request({ path: `/api/v1/dead-letters${query}`, schema: Answer });
  answer(context, remote, found, () =>
    found.byReason.length === 0
      ? [
          `No dead letters${model === undefined ? "" : ` of "${model}"`}: every record could be taken`,
        ]
      : linesOf(found, context),
  );
  return 0;
}

function linesOf(found: z.output<typeof Answer>, context: CommandContext): string[] {
  return [
    ...renderTable<z.output<typeof ByReason>>(
      [
        { title: "model", value: (row) => (row.model === "" ? "(none)" : row.model) },
        { title: "records", value: ({ rows }) => formatCount(rows), align: "right" },
        { title: "reason", value: ({ reason }) => reason },
      ],
      found.byReason,
      context,
    ),
    "",
    ...renderTable<z.output<typeof Letter>>(
      [
        { title: "letter", value: ({ letter }) => letter },
        { title: "time (UTC)", value: ({ time }) => formatTime(Date.parse(time)) },
        { title: "record", value: ({ record }) => record },
        { title: "id", value: ({ id }) => id },
        { title: "reason", value: ({ reason }) => reason },
        { title: "detail", value: ({ detail }) => detail },
      ],
      found.letters.slice(0, LETTERS_SHOWN),
      context,
    ),
    "",
    `What each reason means: docs/capture.md. One with what it was: ${asTyped("driftmend dead-letters show <letter>", context.typed)}`,
  ];
}

const WholeLetter = Letter.extend({ rows: z.number(), sample: z.string() });
type WholeLetter = z.output<typeof WholeLetter>;
const WholeList = z.object({ letters: z.array(WholeLetter) });
const RESENT_MAX = 1_000;

export async function show(context: CommandContext): Promise<number> {
  const remote = connectRemote(context);
  const letter = await letterOf(remote, context.args[0] ?? "");
  const { payload_base64: _payload, ...told } = letter;
  answer(context, remote, letter, () => [
    ...renderPairs(
      Object.entries(told)
        .filter(([name]) => name !== "sample")
        .map(([name, value]) => [name, String(value)] as const),
      context,
    ),
    "",
    letter.sample === ""
      ? "No sample was kept: its model hides features, or there is no record in what came."
      : letter.sample,
    ...(isLine(letter.sample)
      ? [
          "",
          `Once more as it is: ${asTyped(`driftmend dead-letters resend ${letter.letter}`, context.typed)}`,
        ]
      : []),
  ]);
  return 0;
}

const ResendOptions = z.object({
  model: z.string().optional(),
  reason: z.string().optional(),
  file: z.string().optional(),
});

/**
 * Sends letters once more: one by its id, those of a model and reason as they are, or lines that were put right. Exit
 * code 1 where some are set aside again.
 */
export async function resend(context: CommandContext): Promise<number> {
  const remote = connectRemote(context);
  const options = optionsOf(context, ResendOptions);
  const [id] = context.args;
  const letters = await chosen(remote, id, options);
  const lines =
    options.file === undefined
      ? letters.flatMap(({ record, sample }) => (isLine(sample) ? [{ record, line: sample }] : []))
      : readFileSync(options.file, "utf8")
          .split("\n")
          .filter((line) => line.trim() !== "")
          .map((line) => ({ record: isLabel(line) ? "labels" : "predictions", line }));
  const totals = { accepted: 0, rejected: 0, withoutSample: letters.length - lines.length };
  for (const door of ["events", "labels"] as const) {
    const own = lines.filter(({ record }) => (record === "labels") === (door === "labels"));
    if (own.length === 0) continue;
    // The same bytes are known for a quarter of an hour, and would not be looked at again: blanks make them others.
    const blanks = " ".repeat(1 + (context.clock.nowMs() % 1_000));
    const body = [...own.map(({ line }) => line), blanks].join("\n");
    const taken = await postLines(remote, door, body);
    totals.accepted += taken.repeated ? own.length : taken.accepted;
    totals.rejected += taken.rejected;
  }
  const without = options.file === undefined ? totals.withoutSample : 0;
  answer(context, remote, { ...totals, withoutSample: without }, () => [
    `${formatCount(totals.accepted)} taken in, ${formatCount(totals.rejected)} set aside again`,
    ...(without === 0
      ? []
      : [
          `${formatCount(without)} have no whole sample, and must be sent again by whoever sent them`,
        ]),
  ]);
  return totals.rejected + without === 0 ? 0 : 1;
}

async function chosen(
  remote: Remote,
  id: string | undefined,
  { model, reason, file }: z.output<typeof ResendOptions>,
): Promise<readonly WholeLetter[]> {
  if (id !== undefined) return [await letterOf(remote, id)];
  if (file !== undefined) return [];
  if (model === undefined || reason === undefined) {
    throw new DriftmendError("usage", {
      retry: "never",
      message:
        "Cannot tell which letters are meant: neither a letter, nor --model and --reason, nor --file is given",
      next: '"driftmend dead-letters list" shows them.',
    });
  }
  const path = `/api/v1/dead-letters?model=${encode(model)}&limit=${RESENT_MAX}`;
  const { letters } = await remote.api.request({ path, schema: WholeList });
  return letters.filter((letter) => letter.reason === reason);
}

async function letterOf(remote: Remote, id: string) {
  const schema = WholeLetter.extend({ payload_base64: z.string() });
  return remote.api.request({ path: `/api/v1/dead-letters/${encode(id)}`, schema });
}

/** A sample that is a whole line of a door: long ones are cut. */
const isLine = (sample: string): boolean => parsed(sample) !== null;

/** A line of the label door has words of its own, and none of a prediction's. */
function isLabel(line: string): boolean {
  const keys = new Set(Object.keys(parsed(line) ?? {}));
  const isPrediction = ["features", "score", "probabilities", "version", "latency"].some((key) =>
    keys.has(key),
  );
  return !isPrediction && ["label", "value"].some((key) => keys.has(key));
}

function parsed(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}
