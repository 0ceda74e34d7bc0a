import { describe, expect, it } from "vitest";
import { byFile, checkChange, fileOf } from "../../../analyzer/documents/who-may-change.ts";
import { OnboardingDocument } from "../../../contract/onboarding-document.ts";

const document = (name: string, resource?: Record<string, string>): OnboardingDocument =>
  OnboardingDocument.parse({
    apiVersion: "driftmend/v1",
    kind: "Model",
    metadata: { name },
    task: { type: "binary" },
    ...(resource === undefined ? {} : { match: { resource } }),
  });
const holding = (name: string, resource?: Record<string, string>, by = "ann") => ({
  model: name,
  document: document(name, resource),
  by,
});

describe("who may change a document", () => {
  it("is the file that it came from, and nobody else", () => {
    const held = [holding("m", undefined, byFile("m.yaml"))];
    expect(() => checkChange("m", document("m"), "ann", held)).toThrow(
      'it comes from "m.yaml" of the watched folder',
    );
    expect(() => checkChange("m", null, "ann", held)).toThrow("m.yaml");
    expect(() => checkChange("m", document("m"), byFile("m.yaml"), held)).not.toThrow();
    expect(fileOf("ann")).toBeNull();
  });

  it.each([
    [{ "service.name": "api" }, { "service.name": "api" }, true],
    [{ "service.name": "api" }, { "service.name": "api", zone: "eu" }, true],
    [{ "service.name": "api" }, { zone: "eu" }, true],
    [{ "service.name": "api", zone: "eu" }, { "service.name": "api", zone: "us" }, false],
    [{ "service.name": "api" }, { "service.name": "web" }, false],
    [{}, { "service.name": "web" }, false],
  ])("two models may not match one server: %j and %j", (left, right, refused) => {
    const held = [holding("first", left)];
    const put = (): void => checkChange("second", document("second", right), "ann", held);
    if (refused) expect(put).toThrow(/Cannot give "second" the servers .* "first" matches/);
    else expect(put).not.toThrow();
    // A model may be put again beside itself.
    expect(() => checkChange("first", document("first", right), "ann", held)).not.toThrow();
  });
});
