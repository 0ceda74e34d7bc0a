/**
 * Worker threads that score with ONNX models. Workers start with the first request and are replaced after
 * a number of models, because native memory of released sessions is not always given back.
 */
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import type { LabelledRows } from "./feature-columns.ts";
import type { ModelInput, ScoringAnswer, ScoringRequest } from "./scoring-messages.ts";

/** What a model takes and which output is its score. */
export interface ModelSignature {
  readonly inputs: readonly ModelInput[];
  readonly output: string;
}

export interface Scores {
  readonly scores: Float64Array;
  /** Time inside the model, without loading. */
  readonly elapsedMs: number;
}

export interface ScoringPool {
  /** @throws {DriftmendError} model_corrupt, model_signature_unfit */
  inspect(path: string, wantedOutput: string | null): Promise<ModelSignature>;
  /** @throws {DriftmendError} model_signature_unfit, model_failed */
  score(path: string, signature: ModelSignature, rows: LabelledRows): Promise<Scores>;
  close(): Promise<void>;
}

const WORKERS = 2;
const MODELS_PER_WORKER_MAX = 50;
const FLOATS = new Set(["float32", "float64"]);

interface Lane {
  worker: Worker | null;
  models: number;
  queue: Promise<unknown>;
  pending: number;
}

export function createScoringPool(): ScoringPool {
  const lanes: Lane[] = Array.from({ length: WORKERS }, () => ({
    worker: null,
    models: 0,
    queue: Promise.resolve(),
    pending: 0,
  }));
  const ask = (request: ScoringRequest): Promise<ScoringAnswer> => {
    const lane = lanes.reduce((a, b) => (b.pending < a.pending ? b : a));
    lane.pending++;
    const answered = lane.queue.then(() => askLane(lane, request));
    lane.queue = answered.then(
      () => lane.pending--,
      () => lane.pending--,
    );
    return answered;
  };
  return {
    inspect: async (path, wantedOutput) => {
      const answer = await ask({ kind: "inspect", path });
      if (answer.kind !== "signature") throw corrupt(path, answer);
      return signatureOf(path, answer, wantedOutput);
    },
    score: async (path, signature, rows) => {
      if (rows.rows === 0) return { scores: new Float64Array(0), elapsedMs: 0 };
      const inputs = signature.inputs.map((input) => {
        const column = rows.features.get(input.name);
        if (column === undefined) throw unfit(path, `its input "${input.name}" is no feature`);
        return { input, column };
      });
      const { output } = signature;
      const answer = await ask({ kind: "score", path, rows: rows.rows, inputs, output });
      if (answer.kind === "scores") return answer;
      throw failed(path, answer.kind === "failed" ? answer.message : "no scores came back");
    },
    close: async () => {
      for (const { worker } of lanes) await worker?.terminate();
    },
  };
}

async function askLane(lane: Lane, request: ScoringRequest): Promise<ScoringAnswer> {
  if (lane.worker !== null && lane.models >= MODELS_PER_WORKER_MAX) {
    await lane.worker.terminate();
    lane.worker = null;
  }
  lane.models = lane.worker === null ? 1 : lane.models + 1;
  const worker = (lane.worker ??= startWorker());
  return new Promise((resolve) => {
    const finish = (answer: ScoringAnswer): void => {
      worker.off("message", finish).off("error", onError).off("exit", onExit);
      resolve(answer);
    };
    const onError = (error: Error): void => {
      lane.worker = null;
      finish({ kind: "failed", message: error.message });
    };
    const onExit = (): void => {
      lane.worker = null;
      finish({ kind: "failed", message: "the scoring thread ended" });
    };
    worker.on("message", finish).on("error", onError).on("exit", onExit);
    worker.postMessage(request);
  });
}

/** The built package has the worker as .js, the sources as .ts: it is beside this file either way. */
function startWorker(): Worker {
  const worker = new Worker(
    new URL(`./scoring-worker${extname(import.meta.url)}`, import.meta.url),
  );
  worker.unref();
  return worker;
}

function signatureOf(
  path: string,
  answer: Extract<ScoringAnswer, { kind: "signature" }>,
  wantedOutput: string | null,
): ModelSignature {
  const floats = answer.outputs.filter(({ type }) => FLOATS.has(type));
  const output =
    wantedOutput === null ? floats[0] : floats.find(({ name }) => name === wantedOutput);
  if (output === undefined) {
    const outputs = answer.outputs.map(({ name, type }) => `${name}: ${type}`).join(", ");
    throw unfit(path, `no output is a tensor of floats (${outputs || "there is none"})`);
  }
  return { inputs: answer.inputs, output: output.name };
}

function corrupt(path: string, answer: ScoringAnswer): DriftmendError {
  return new DriftmendError("model_corrupt", {
    retry: "never",
    message: `Cannot load "${path}" as an ONNX model: ${answer.kind === "failed" ? answer.message : "no signature came back"}`,
    next: "Run the trainer by hand with the run's data set and look at what it writes.",
  });
}

function unfit(path: string, why: string): DriftmendError {
  return new DriftmendError("model_signature_unfit", {
    retry: "never",
    message: `Cannot score with "${path}" as each input must be a feature of the model: ${why}`,
    next: "Let the trainer name the inputs of its graph after the features of the onboarding document.",
  });
}

function failed(path: string, why: string): DriftmendError {
  return new DriftmendError("model_failed", {
    retry: "never",
    message: `Cannot score the labelled rows with "${path}": ${why}`,
    next: "Score one row by hand with onnxruntime; the message is its own.",
  });
}
