/** The flights' onboarding document: what a person would have written about this model. */
import type { OnboardingDocumentInput } from "../../../contract/onboarding-document.ts";
import { MODEL } from "../replay/story.ts";
import type { Trainer } from "./choose-trainer.ts";

export interface DocumentPlaces {
  readonly trainingSetPath: string;
  /** The model repository's folder: version folders and the pointer file are in `<repository>/<model>`. */
  readonly repository: string;
  readonly serverUrl: string;
  readonly trainer: Trainer;
}

export function flightsDocument(places: DocumentPlaces): OnboardingDocumentInput {
  return {
    apiVersion: "driftmend/v1",
    kind: "Model",
    metadata: { name: MODEL, owner: "flights@example.org" },
    task: { type: "binary", positive: "1", threshold: 0.5 },
    features: {
      hour: { type: "numeric", unit: "h", range: [0, 23], period: 24 },
      day_of_week: { type: "numeric", range: [1, 7], period: 7 },
      distance: { type: "numeric", unit: "mi" },
      origin: { type: "categorical" },
      destination: { type: "categorical" },
    },
    segments: ["client.version"],
    rollup: "1h",
    labels: { lateness: 0, expected_within: "7d" },
    reference: { training_set: places.trainingSetPath },
    quality: { primary: "log_loss", guards: ["calibration", "auc"], slices: "origin" },
    service: { error_rate: "1%", no_traffic: "auto" },
    retrain: {
      mode: "auto",
      when: [{ probe: { every: "1w", gain: 0.0065 } }],
      recalibrate: "off",
      window: { choose: ["all"], embargo: "7d", minimum_rows: 100_000 },
      train: {
        executor: "process",
        command: [...places.trainer.command],
        gpus: places.trainer.gpus,
        deadline: "10m",
      },
      judge: { predict: "onnx", block: "7d", cluster: "day" },
    },
    rollout: {
      target: "directory",
      path: places.repository,
      url: places.serverUrl,
      steps: ["10% 1d", "100%"],
    },
  };
}
