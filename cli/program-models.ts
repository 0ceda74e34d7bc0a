/** Commands about models and their documents, and about who may use the system: part of cli/program.ts. */
import { Argument, type Command, Option } from "commander";
import { type Add, model, span } from "./define-command.ts";

const AFTER_COMPLETION_HELP = `
  bash   eval "$(driftmend completion bash)"    in ~/.bashrc; in a checkout: eval "$(npx driftmend completion bash)"
  zsh    eval "$(driftmend completion zsh)"     in ~/.zshrc, after compinit`;

export function addModels(program: Command, add: Add): void {
  const models = program.command("model").description("onboarding documents");
  add(models, {
    name: "init",
    description: "write a document from the traffic seen, for a person to finish",
    args: [model],
    options: [
      new Option("-o, --output <file>", "write it there instead of to stdout"),
      new Option("--force", "overwrite the file"),
    ],
  });
  add(models, {
    name: "apply",
    description: "put documents in force",
    options: [
      new Option(
        "-f, --file <path>",
        "a file, a folder of files, or - for stdin; YAML or JSON, several documents with ---",
      ).makeOptionMandatory(),
      new Option(
        "--dry-run",
        "store nothing: say what would be watched and what the past would have given",
      ),
      new Option("--past <span>", "of a dry run: how much of the past to judge, 0d for none")
        .argParser(span)
        .default("14d"),
    ],
  });
  add(models, {
    name: "diff",
    description: "compare a document with what holds and with the traffic",
    args: [new Argument("[model]", "compare what holds of this model with its traffic")],
    options: [new Option("-f, --file <path>", "compare these documents with both")],
  });
  add(models, { name: "list", description: "the models that are known" });
  add(models, { name: "show", description: "one document as it is in force", args: [model] });
  add(models, { name: "retire", description: "stop watching a model", args: [model] });
  const reference = program.command("reference").description("what windows are compared with");
  add(reference, {
    name: "set",
    description: "compare with a span of the traffic, or with a file, from now on",
    args: [model],
    options: [
      new Option("--from <time>", "first day or moment of the span (UTC)"),
      new Option("--to <time>", "its end: the day after the last"),
      new Option("--file <file>", "a Parquet file with the features' columns"),
    ],
  });
}

export function addAccess(program: Command, add: Add): void {
  const token = program
    .command("token")
    .description("who may read and act, beside the two tokens of ready.json");
  add(token, {
    name: "create",
    description: "make a token, which is shown once",
    options: [
      new Option("--name <name>", "whose it is").makeOptionMandatory(),
      new Option("--read", "it may look"),
      new Option("--act", "it may change documents, silence alerts, start runs"),
    ],
  });
  add(token, { name: "list", description: "all of them, without their secrets" });
  add(token, {
    name: "revoke",
    description: "take one back",
    args: [new Argument("<name>", "of the token")],
  });
  add(program, {
    name: "completion",
    description: "a script that completes commands, models and ids in your shell",
    remote: false,
    args: [new Argument("[shell]", "which").choices(["bash", "zsh"])],
    options: [
      new Option("--names <kind>", "the names that exist").hideHelp(),
      new Option("--data-dir <folder>", "of the system to ask").hideHelp(),
    ],
  }).addHelpText("after", AFTER_COMPLETION_HELP);
}
