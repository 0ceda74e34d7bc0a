/**
 * What an example gives to `up`, and what it gets to stand on. The types live below both, since an
 * example imports no command and the command knows no example by name only.
 */
import type { ReadyFile } from "../contract/ready-file.ts";
import type { Clock } from "./clock.ts";

/** A process of Node that `up` supervises: IPC channel, restart with back-off, log file of its own. */
export interface ChildSpec {
  /** Kebab-case; names the log file and the lines on the terminal. */
  readonly name: string;
  /** Absolute path of the module that it runs. */
  readonly module: string;
  readonly args?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Flags of Node before the module, e.g. --max-old-space-size. */
  readonly nodeFlags?: readonly string[];
  /** Exit 0 is its end and no death. */
  readonly endsByItself?: boolean;
}

/** The running system as an example sees it. */
export interface ExampleStage {
  /** `<dataDir>/example`; it exists. */
  readonly folder: string;
  readonly clock: Clock;
  /** Aborted when the system stops. */
  readonly signal: AbortSignal;
  /** One line of the story. */
  say(line: string): void;
  /** A line that changes in place on a terminal; null takes it away. */
  progress(text: string | null): void;
}

export interface RunningStage extends ExampleStage {
  readonly system: ReadyFile;
  /** `wanted` or the next free port of loopback. */
  choosePort(wanted: number): Promise<number>;
  /** Starts a supervised process after those before it; resolves with its URL once it is ready. */
  startChild(spec: ChildSpec): Promise<string>;
  /** A JSON request to the gateway with the acting token. @throws {DriftmendError} with the problem's code */
  request(method: "GET" | "PUT" | "POST", path: string, body?: unknown): Promise<unknown>;
}

/** What only `up` can know for the summary of `--once`. */
export interface Measured {
  readonly wallSeconds: number;
  /** Peak of the summed memory of all processes and of our files on tmpfs. */
  readonly residentBytesMax: number;
}

export interface ExamplePlan {
  /** What will be seen, how much of it is left in this folder and how long that takes: the story's first lines. */
  firstLines(folder: string): Promise<readonly string[]>;
  /** Days that tables are kept where the product's default is shorter than the example's story. */
  readonly retentionDays: Readonly<Record<string, number>>;
  /** Settings of services that the example needs, by service. */
  readonly settings: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Data, champion: everything that needs no running system; runs while the engines start. */
  prepare(stage: ExampleStage): Promise<void>;
  /** Documents and processes, once every service is ready; the one that ends the story sends `{kind: "finished"}`. */
  start(stage: RunningStage): Promise<void>;
  /** What a person reads when the story has ended and the system stays up: main result, lesson, what next. */
  lastLines(stage: RunningStage): Promise<readonly string[]>;
  /** The summary of `--once`, computed from the data after the story has ended. */
  summary(stage: RunningStage, measured: Measured): Promise<object>;
}

/** Switches of `up --example`. */
export interface ExampleOptions {
  /** Simulated days a second at most; undefined: as fast as it goes. */
  readonly speed: number | undefined;
  readonly seed: number | undefined;
  readonly troubles: boolean;
  readonly permuteLabels: boolean;
  readonly trainer: "node" | "torch" | undefined;
}
