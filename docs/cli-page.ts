/** docs/cli.md: every command with its arguments and options, from the definition that parses them. */
import type { Command, Option } from "commander";

export function cliPage(program: Command): string {
  return `${[
    "# Commands",
    "Generated from `cli/program.ts` by `npm run docs`; edit it there. From a checkout type `npx driftmend <command>`. Commands find the running system by `--data-dir`, by `DRIFTMEND_URL` and `DRIFTMEND_TOKEN`, or in `.driftmend/`. Exit codes: 0 done, 1 failed (the message says why and what to do), 2 wrong usage, 130 ended by a second Ctrl-C. `--json` answers what the API answered, for programs.",
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
