/** Which requests of an inference server are predictions, by method and path alone. Pure. */

export type InferenceCall =
  | { readonly kind: "tensors"; readonly model: string; readonly version: string | null }
  /** ModelInfer, whose messages name the model; with gRPC's status of the answer. */
  | { readonly kind: "grpc"; readonly status: string }
  | { readonly kind: "openai"; readonly endpoint: "chat" | "completions" };

const V2 = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?\/infer$/;
const V1 = /^\/v1\/models\/([^/:]+)(?:\/versions\/([^/:]+))?:predict$/;
const OPENAI = /^(?:\/openai)?\/v1\/(chat\/completions|completions)$/;

/** Null for what passes without being looked at: health, metadata, the repository, anything else. */
export function inferenceCall(method: string, url: string): InferenceCall | null {
  if (method !== "POST") return null;
  const query = url.indexOf("?");
  const path = query === -1 ? url : url.slice(0, query);
  const tensors = V2.exec(path) ?? V1.exec(path);
  if (tensors !== null) {
    const model = decoded(tensors[1] ?? "");
    return { kind: "tensors", model, version: tensors[2] ?? null };
  }
  const openai = OPENAI.exec(path);
  if (openai === null) return null;
  return { kind: "openai", endpoint: openai[1] === "completions" ? "completions" : "chat" };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
