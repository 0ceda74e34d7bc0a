/** What the loop is given from outside, and what it knows about one model. */
import { join } from "node:path";
import type { RunMessage } from "../../contract/messages.ts";
import type { OnboardingDocument } from "../../contract/onboarding-document.ts";
import { subjectToken } from "../../contract/subjects.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Environment } from "../../runtime/env.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Store } from "../../store/client.ts";
import type { GpuSlots } from "../executor/gpu-slots.ts";
import type { Journal } from "../journal/journal.ts";
import type { ScoringPool } from "../judge/scoring-pool.ts";
import type { RolloutTarget } from "../rollout/target.ts";

export interface RetrainerDeps {
  readonly journal: Journal;
  readonly store: Store;
  readonly pool: ScoringPool;
  readonly slots: GpuSlots;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly env: Environment;
  readonly dataFolder: string;
  readonly trainerFolder: string;
  readonly node: string;
  /** Tells whoever listens; nothing depends on being heard. */
  readonly say: (message: RunMessage) => void;
  readonly targetOf: (document: OnboardingDocument) => RolloutTarget;
}

export interface ModelContext {
  readonly model: string;
  readonly document: OnboardingDocument;
  /** Everything of the model on disk: parts, datasets, trainings, versions. */
  readonly folder: string;
}

export function modelContext(document: OnboardingDocument, dataFolder: string): ModelContext {
  const model = document.metadata.name;
  return { model, document, folder: join(dataFolder, "models", subjectToken(model)) };
}
