/**
 * The command line as data: every command, argument and option with its sentence of help. What a command
 * does is loaded when it runs, so that `--help` is quick; docs/cli.md is generated from here.
 */
import { Argument, Command, Option } from "commander";
import {
  type Add,
  type Dispatch,
  adder,
  model,
  diskBytes,
  port,
  positiveNumber,
  span,
  wholeNumber,
} from "./define-command.ts";
import { addDataCare } from "./program-data-care.ts";
import { addAccess, addModels } from "./program-models.ts";

export function createProgram(version: string, dispatch: Dispatch): Command {
  const program = new Command("driftmend")
    .description("Watches machine-learning models while they serve, and mends them")
    .version(version)
    .helpOption("-h, --help", "show help")
    .helpCommand(false)
    // Options belong to the command that they follow: "alerts" has some, and so has "alerts test".
    .enablePositionalOptions()
    .addHelpText("after", AFTER_HELP)
    .showHelpAfterError('(add "--help" for what this command takes)')
    .configureHelp({ sortSubcommands: false });
  const add = adder(dispatch);
  addUp(program, add);
  addServices(program, add);
  addLooking(program, add);
  addAlerts(program, add);
  addLoop(program, add);
  addModels(program, add);
  addData(program, add);
  addDataCare(program, add);
  addAccess(program, add);
  return program;
}

const AFTER_HELP = `
Start here:
  driftmend up --example    the whole system with the flights example (in a checkout: npm start)
  driftmend status          what runs, how far behind it is, which models it sees
  driftmend alerts          what is firing;  driftmend why <alert> explains it and says what to do
  driftmend runs <model>    what the loop retrained, and what came of it
  driftmend doctor          every dependency, and what to do about one that is not well

Commands find the running system by --data-dir, by DRIFTMEND_URL and DRIFTMEND_TOKEN, or in .driftmend/.
Exit codes: 0 done, 1 failed, 2 wrong usage, 130 ended by a second Ctrl-C.`;

const AFTER_UP_HELP = `
npm start is "driftmend up --example": switches go behind two dashes.
  npm start                                tells the story, resumes what is in .driftmend/, stays up until Ctrl-C
  npm start -- --once                      tells it in a fresh folder, ends, prints a JSON summary as its last line
  npm start -- --data-dir /tmp/try         another folder; delete it to begin anew
  npm start -- --no-troubles --speed 0.2   without planted incidents, five seconds a day
  npx driftmend up                         the same system without the example, for models of your own

A default port that is busy moves to the next free one, which is said; a port that you name never moves.
Second terminal: npx driftmend status | doctor | alerts | why <alert> | runs <model> | tail <model>`;

const alert = new Argument("<alert>", "id of the alert, or how it begins");
const run = new Argument("<run>", "id of the run, or how it begins");

function addUp(program: Command, add: Add): void {
  const portOption = (flag: string, what: string, from: number): Option =>
    new Option(
      `${flag} <port>`,
      `${what}; 0 picks a free one (default: the first free from ${from})`,
    ).argParser(port);
  add(program, {
    name: "up",
    description: "run the whole system on this machine, with embedded engines",
    remote: false,
    options: [
      new Option("--example", "watch the flights example (in a checkout)"),
      new Option(
        "--once",
        "run the example's story in a fresh data directory, print its summary, end",
      ),
      new Option("--data-dir <folder>", "where everything is kept (default: .driftmend)"),
      new Option("--config <file>", "settings by service, YAML"),
      new Option(
        "--disk <size>",
        "what all of it may take, as 40GiB (docs/back-pressure.md; default: the disk)",
      ).argParser(diskBytes),
      portOption("--port", "of the API", 7400),
      portOption("--otlp-http-port", "of the agent: OTLP/HTTP and its other doors", 4318),
      portOption("--otlp-grpc-port", "of the agent: OTLP/gRPC", 4317),
      portOption("--nats-port", "of NATS", 4222),
      portOption("--clickhouse-port", "of the ClickHouse endpoint", 8123),
      new Option("--ready-file <file>", "write addresses and tokens there too once all is ready"),
      new Option("--speed <days>", "example: at most so many simulated days a second").argParser(
        positiveNumber,
      ),
      new Option("--seed <number>", "example: other troubles at other times").argParser(
        wholeNumber,
      ),
      new Option("--no-troubles", "example: without troubles"),
      new Option("--permute-labels", "example: labels that no model can learn"),
      new Option(
        "--trainer <kind>",
        "example: the trainer (default: torch where it has a GPU)",
      ).choices(["node", "torch"]),
    ],
  }).addHelpText("after", AFTER_UP_HELP);
}

function addServices(program: Command, add: Add): void {
  const services = {
    agent: "take predictions and labels in, spool and publish them",
    collector: "store what agents publish",
    analyzer: "compare windows, raise alerts, serve most of the API",
    retrainer: "decide, retrain, judge and roll out",
    gateway: "pass requests on to these, as one origin",
  };
  const proxy = new Option(
    "--proxy <address>",
    "let the inference calls of this model server pass, and capture them (docs/proxy.md)",
  );
  for (const [name, description] of Object.entries(services)) {
    const settings = "Configured by environment and DRIFTMEND_CONFIG, see docs/configuration.md.";
    const options = name === "agent" ? [proxy] : [];
    add(program, { name, description, remote: false, options }).addHelpText(
      "after",
      `\n${settings}`,
    );
  }
}

function addLooking(program: Command, add: Add): void {
  add(program, {
    name: "status",
    description: "what runs, how far behind it is, which models it sees",
  });
  add(program, { name: "doctor", description: "check every dependency and say what to do" });
  add(program, {
    name: "tail",
    description: "the last records of a model as they were decoded",
    args: [model],
    options: [
      new Option("-n, --rows <count>", "how many").argParser(wholeNumber).default(10),
      new Option("-f, --follow", "go on with new ones"),
    ],
  });
}

function addAlerts(program: Command, add: Add): void {
  const alerts = add(program, {
    name: "alerts",
    description: "what is firing",
    options: [
      new Option("--all", "resolved ones too"),
      new Option("--model <model>", "of one model only"),
    ],
  }).enablePositionalOptions();
  add(alerts, {
    name: "test",
    description: "send a test through the channels of a model, and say what each answered",
    args: [model],
  });
  add(program, {
    name: "why",
    description: "the full explanation of an alert",
    args: [
      new Argument("[alert]", "id of the alert, or how it begins; none: the newest that is open"),
    ],
  });
  add(program, {
    name: "rows",
    description: "the rows behind an alert",
    args: [alert],
    options: [new Option("-n, --rows <count>", "how many").argParser(wholeNumber).default(20)],
  });
  add(program, {
    name: "acknowledge",
    description: "say that somebody looks after an alert",
    args: [alert],
    options: [new Option("--by <who>", "who does")],
  });
  add(program, {
    name: "silence",
    description: "mute an alert for a while (wall time)",
    args: [alert],
    options: [
      new Option("--for <span>", "how long: 30m, 4h, 2d").argParser(span).makeOptionMandatory(),
      new Option("--reason <text>", "why").makeOptionMandatory(),
      new Option("--by <who>", "who does"),
    ],
  });
  const quarantine = program.command("quarantine").description("rows kept out of data sets");
  add(quarantine, {
    name: "list",
    description: "which rows, since when and why",
    options: [new Option("--model <model>", "of one model only")],
  });
  add(quarantine, {
    name: "release",
    description: "let them in again, and end an INVESTIGATE",
    args: [new Argument("<quarantine>", "id of the quarantine, or how it begins")],
  });
}

function addLoop(program: Command, add: Add): void {
  const loop = program.command("loop").description("the stop switch of automatic action");
  const forModels = [new Argument("[model]", "name of the model")];
  add(loop, {
    name: "pause",
    description: "no automatic action",
    args: forModels,
    options: [
      new Option("--all", "every model"),
      new Option("--for <span>", "8h, 2d of the model's clock; else until resumed").argParser(span),
    ],
  });
  add(loop, {
    name: "resume",
    description: "as the document says again",
    args: forModels,
    options: [new Option("--all", "every model")],
  });
  add(loop, { name: "show", description: "the mode in force and why", args: [model] });
  add(program, { name: "runs", description: "retraining runs of a model", args: [model] });
  add(program, { name: "run", description: "one run: steps, judgement, numbers", args: [run] });
  add(program, {
    name: "checks",
    description: "each look at whether to retrain, with its numbers",
    args: [model],
  });
  add(program, { name: "versions", description: "the registry of a model", args: [model] });
  add(program, {
    name: "retrain",
    description: "start a run by hand",
    args: [model],
    options: [new Option("--reason <text>", "why")],
  });
  add(program, { name: "approve", description: "let a proposed run go on", args: [run] });
  add(program, {
    name: "reject",
    description: "end a proposed run",
    args: [run],
    options: [new Option("--reason <text>", "why")],
  });
  add(program, { name: "cancel", description: "end a run that is under way", args: [run] });
  add(program, {
    name: "rollback",
    description: "take a version back, proven by what the server answers",
    args: [model],
    options: [
      new Option("--to <version>", "another one than the previous"),
      new Option("--reason <text>", "why"),
    ],
  });
}

function addData(program: Command, add: Add): void {
  const labels = program.command("labels").description("what really happened");
  add(labels, {
    name: "import",
    description: "hand labels in from JSON lines, CSV or Parquet",
    args: [
      new Argument(
        "<file>",
        "columns prediction_id, label or value, optional time, revision, source",
      ),
    ],
    options: [new Option("--model <model>", "whose labels").makeOptionMandatory()],
  });
  const map = program.command("map").description("how other vocabularies become predictions");
  add(map, {
    name: "test",
    description: "what a recorded payload becomes under a mapping; needs no running system",
    args: [
      new Argument(
        "[file]",
        "of mappings, or an onboarding document with a map; without it, what ships holds",
      ),
    ],
    options: [
      new Option(
        "--payload <file>",
        "JSON: OTLP, CloudEvents, {request, response, headers}, or a body of V1 or V2",
      ).makeOptionMandatory(),
      new Option("--model <model>", "where the payload names none"),
      new Option("--json", "answer as JSON"),
    ],
    remote: false,
  });
  const letters = program.command("dead-letters").description("records that could not be taken");
  add(letters, {
    name: "list",
    description: "counts by reason, with an example each",
    options: [new Option("--model <model>", "of one model only")],
  });
  const letter = "id of the letter, as list shows it";
  add(letters, {
    name: "show",
    description: "one letter, with what it was",
    args: [new Argument("<letter>", letter)],
  });
  add(letters, {
    name: "resend",
    description: "hand letters in once more, as they were or put right",
    args: [new Argument("[letter]", letter)],
    options: [
      new Option("--model <model>", "those of this model, with --reason"),
      new Option("--reason <reason>", "as list shows it"),
      new Option("--file <file>", "lines that were put right, instead of the samples"),
    ],
  });
}
