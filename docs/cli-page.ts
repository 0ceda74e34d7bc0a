/** docs/cli.md: every command with its arguments and options, from the definition that parses them. */
import type { Command, Option } from "commander";

const ANSWERS = [
  "## Exit codes and answers",
  "",
  "| exit code | |",
  "| --- | --- |",
  "| 0 | done; `status`: every process runs; `doctor`: nothing is wrong |",
  "| 1 | failed: the message says why and what to do; `status`: a process does not run; `doctor`: something is wrong; `model apply`: a document was refused, or would be |",
  "| 2 | wrong usage: an unknown command or option, or a value that it does not take |",
  "| 78 | a service: configuration or state is wrong, starting again does not help |",
  "| 130 | ended by a second Ctrl-C |",
  "",
  "Answers stand on stdout, notes and errors on stderr. Colours come on a terminal only; `NO_COLOR` and `FORCE_COLOR` are heeded. With `--json`, schemas are those of [openapi.json](openapi.json):",
  "",
  "| command | answers |",
  "| --- | --- |",
  "| `model list` | a list of `GET /api/v1/models`' entries |",
  "| `model show` | the document, with `status` of `GET /api/v1/models/{model}?view=whole` |",
  "| `model init` | `GET /api/v1/models/{model}/proposal` |",
  "| `model apply --dry-run`, `model diff` | `{documents}`: `POST /api/v1/models/{model}/preview` of each |",
  "| `model apply` | `{documents: [{model, from, action, revision, error}]}`, action created, changed, unchanged or refused |",
  "| `status` | `{url, version, residentBytes, processes, disk, services, models, alerts}` |",
  "| `doctor` | a list of `{what, state, detail, next}`, state ok, warning or wrong |",
  "| `token create`, `list`, `revoke` | `POST`, `GET`, `DELETE /api/v1/tokens` |",
  "| all others | what their route answers |",
].join("\n");

export function cliPage(program: Command): string {
  return `${[
    "# Commands",
    "Generated from `cli/program.ts` by `npm run docs`; edit it there. From a checkout type `npx driftmend <command>`. Commands find the running system by `--data-dir`, by `DRIFTMEND_URL` and `DRIFTMEND_TOKEN`, or in `.driftmend/`. Exit codes: 0 done, 1 failed (the message says why and what to do), 2 wrong usage, 130 ended by a second Ctrl-C. `--json` answers what the API answered, for programs.",
    ANSWERS,
    ...program.commands.flatMap((command) => [
      // A command with options of its own does something by itself, such as "alerts".
      ...(command.commands.length === 0 || command.options.length > 0
        ? [section(command, command.name())]
        : []),
      ...command.commands.map((sub) => section(sub, `${command.name()} ${sub.name()}`)),
    ]),
  ].join("\n\n")}\n`;
}

function section(command: Command, name: string): string {
  const args = command.registeredArguments.map((argument) =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
  );
  const lines = [
    `## ${name}`,
    "",
    `\`driftmend ${[name, ...args].join(" ")}\`: ${command.description()}.`,
  ];
  const rows = [
    ...command.registeredArguments.map(
      (argument) => `| \`${argument.name()}\` | ${argument.description} |`,
    ),
    ...command.options
      .filter(({ hidden }) => !hidden)
      .map((option) => `| \`${option.flags}\` | ${describe(option)} |`),
  ];
  if (rows.length > 0) lines.push("", "| | |", "| --- | --- |", ...rows);
  return lines.join("\n");
}

function describe(option: Option): string {
  const choices = option.argChoices === undefined ? "" : ` (${option.argChoices.join(", ")})`;
  const standard =
    option.defaultValue === undefined || option.negate
      ? ""
      : ` (default: ${String(option.defaultValue)})`;
  return `${option.description}${choices}${option.mandatory ? "; required" : ""}${standard}`.replaceAll(
    "|",
    "\\|",
  );
}
