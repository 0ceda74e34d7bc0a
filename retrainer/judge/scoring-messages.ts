/** What the judge's main thread and its workers say to each other. */
import type { FeatureColumn } from "./feature-columns.ts";

export interface ModelInput {
  readonly name: string;
  /** Element type as onnxruntime names it: float32, float64, int64, int32, string, or "sequence". */
  readonly type: string;
  readonly rank: number;
}

export type ScoringRequest =
  | { readonly kind: "inspect"; readonly path: string }
  | {
      readonly kind: "score";
      readonly path: string;
      readonly rows: number;
      readonly inputs: readonly { readonly input: ModelInput; readonly column: FeatureColumn }[];
      readonly output: string;
    };

export type ScoringAnswer =
  | {
      readonly kind: "signature";
      readonly inputs: readonly ModelInput[];
      readonly outputs: readonly ModelInput[];
    }
  | {
      readonly kind: "scores";
      readonly scores: Float64Array<ArrayBuffer>;
      readonly elapsedMs: number;
    }
  | { readonly kind: "failed"; readonly message: string };
