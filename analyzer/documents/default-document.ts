/** The built-in document of a model that nobody described: watched for what can be known without asking. */
import { OnboardingDocument } from "../../contract/onboarding-document.ts";

export function defaultDocument(model: string): OnboardingDocument {
  return OnboardingDocument.parse({
    apiVersion: "driftmend/v1",
    kind: "Model",
    metadata: { name: model },
    task: { type: "binary" },
  });
}
