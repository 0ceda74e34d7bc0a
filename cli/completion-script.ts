/**
 * The completion of a shell, generated from the program: commands, options and choices stand in the script,
 * names of models and ids come from the running system when they are asked for. Those are whatever somebody sent:
 * they are compared as text and never expanded, as `compgen -W` would. Pure.
 */
import type { Argument, Command, Option } from "commander";

/** What can be asked of the running system, by the name of the argument. */
export const NAME_KINDS = ["model", "alert", "run", "quarantine", "token"] as const;
export type NameKind = (typeof NAME_KINDS)[number];

interface Leaf {
  /** "model show". */
  readonly path: string;
  readonly words: readonly string[];
  /** Options whose value is one of these words. */
  readonly choices: readonly (readonly [flag: string, words: string])[];
  readonly names: NameKind | "file" | "choices" | null;
}

export function completionScript(program: Command, shell: "bash" | "zsh"): string {
  const leaves = program.commands.flatMap((command) =>
    command.commands.length === 0
      ? [leafOf(command, command.name())]
      : command.commands.map((sub) => leafOf(sub, `${command.name()} ${sub.name()}`)),
  );
  const groups = program.commands.filter(({ commands }) => commands.length > 0);
  const files = "-f|--file|-o|--output|--config|--ready-file";
  const lines = [
    `# Completion of the driftmend command for ${shell}; written by "driftmend completion ${shell}".`,
    ...(shell === "zsh" ? ["autoload -U +X bashcompinit && bashcompinit"] : []),
    "_driftmend() {",
    '  local current="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"',
    '  local command="" words="" names="" choices="" folder="" i word',
    "  for ((i = 1; i < COMP_CWORD; i++)); do",
    '    word="${COMP_WORDS[i]}"',
    '    [ "$word" = "--data-dir" ] && folder="${COMP_WORDS[i+1]}"',
    '    case "$command/$word" in',
    `      ${[...program.commands.map((one) => `/${one.name()}`), ...groups.flatMap((group) => group.commands.map((sub) => `${group.name()}/${sub.name()}`))].join("|")})`,
    '        command="${command:+$command }$word" ;;',
    "    esac",
    "  done",
    "  COMPREPLY=()",
    '  case "$before" in',
    '    --data-dir) COMPREPLY=($(compgen -d -- "$current")); return ;;',
    `    ${files}) COMPREPLY=($(compgen -f -- "$current")); return ;;`,
    '    --model) names="model" ;;',
    "  esac",
    '  case "$command" in',
    `    "") words="${program.commands.map((one) => one.name()).join(" ")} --help --version" ;;`,
    ...groups.map(
      (group) =>
        `    "${group.name()}") words="${group.commands.map((sub) => sub.name()).join(" ")} --help" ;;`,
    ),
    ...leaves.map(leafLine),
    "  esac",
    '  case "$command $before" in',
    ...leaves.flatMap(({ path, choices }) =>
      choices.map(([flag, words]) => `    "${path} ${flag}") choices="${words}" ;;`),
    ),
    "  esac",
    '  if [ -n "$choices" ]; then COMPREPLY=($(compgen -W "$choices" -- "$current")); return; fi',
    '  case "$current" in',
    '    -*) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;',
    "    *)",
    '      if [ "$names" = "file" ]; then COMPREPLY=($(compgen -f -- "$current"))',
    '      elif [ -n "$names" ]; then',
    "        while IFS= read -r word; do",
    '          [[ "$word" == "$current"* ]] && COMPREPLY+=("$word")',
    '        done < <("${COMP_WORDS[0]}" completion --names "$names" ${folder:+--data-dir "$folder"} 2>/dev/null)',
    '      else COMPREPLY=($(compgen -W "$words" -- "$current")); fi ;;',
    "  esac",
    "}",
    "complete -F _driftmend driftmend",
  ];
  return lines.join("\n");
}

function leafLine({ path, words, names }: Leaf): string {
  const named = names === null ? "" : ` names="\${names:-${names}}"`;
  const isChoice = names === "choices";
  return `    "${path}") words="${words.join(" ")}"${isChoice ? "" : named} ;;`;
}

function leafOf(command: Command, path: string): Leaf {
  const shown = command.options.filter(({ hidden }) => !hidden);
  const [first] = command.registeredArguments;
  const words = [...shown.map(flagOf), "--help", ...(first?.argChoices ?? [])];
  const choices = shown.flatMap((option) =>
    option.argChoices === undefined ? [] : [[flagOf(option), option.argChoices.join(" ")] as const],
  );
  return { path, words, choices, names: namesOf(first, path) };
}

const flagOf = (option: Option): string => option.long ?? option.short ?? "";

function namesOf(argument: Argument | undefined, path: string): Leaf["names"] {
  if (argument === undefined) return null;
  if (argument.argChoices !== undefined) return "choices";
  const name = argument.name();
  if (path === "token revoke") return "token";
  if (name === "file") return "file";
  return NAME_KINDS.find((kind) => kind === name) ?? null;
}
