/** How a command of the program is defined, and the values that options take. */
import { Argument, type Command, InvalidArgumentError, Option } from "commander";

/** Runs the command `name` ("model apply"); answers the exit code. */
export type Dispatch = (
  name: string,
  args: readonly string[],
  options: Readonly<Record<string, unknown>>,
) => Promise<void>;

export interface Definition {
  readonly name: string;
  readonly description: string;
  readonly args?: readonly Argument[];
  readonly options?: readonly Option[];
  /** Whether it talks to a running system, and so takes --data-dir and --json. */
  readonly remote?: boolean;
}

export type Add = (parent: Command, definition: Definition) => Command;

export function adder(dispatch: Dispatch): Add {
  return (parent, definition) => {
    const command = parent.command(definition.name).description(definition.description);
    for (const argument of definition.args ?? []) command.addArgument(argument);
    for (const option of definition.options ?? []) command.addOption(option);
    if (definition.remote !== false) {
      command.addOption(new Option("--data-dir <folder>", "of the system to ask"));
      command.addOption(new Option("--json", "answer as JSON"));
    }
    command.action(async () => {
      const names: string[] = [];
      for (let at: Command | null = command; at?.parent; at = at.parent) names.unshift(at.name());
      const given = command.processedArgs.flat().filter((value) => value !== undefined);
      await dispatch(names.join(" "), given.map(String), command.opts());
    });
    return command;
  };
}

export function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("Expected a whole number.");
  return Number(text);
}

export function port(text: string): number {
  const value = wholeNumber(text);
  if (value > 65_535) throw new InvalidArgumentError("Expected a port, 0 to 65535.");
  return value;
}

const BYTES = { MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 } as const;

export function diskBytes(text: string): number {
  const [, digits, unit] = /^([1-9]\d{0,6})(MiB|GiB|TiB)$/.exec(text) ?? [];
  if (digits === undefined)
    throw new InvalidArgumentError("Expected a size such as 40GiB or 2TiB.");
  return Number(digits) * BYTES[unit as keyof typeof BYTES];
}

export function span(text: string): string {
  if (/^\d+(\.\d+)?(ms|s|m|h|d|w)$/.test(text)) return text;
  throw new InvalidArgumentError("Expected a span such as 30m, 4h or 2d.");
}

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("Expected a number above 0.");
  return value;
}

export const model = new Argument("<model>", "name of the model");
