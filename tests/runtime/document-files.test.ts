import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { documentsOf, readDocumentFiles } from "../../runtime/document-files.ts";

const model = (name: string, more = ""): string =>
  `apiVersion: driftmend/v1\nkind: Model\nmetadata: {name: ${name}}\ntask: {type: binary}\n${more}`;
const defaults = (more: string): string => `apiVersion: driftmend/v1\nkind: Defaults\n${more}`;

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "driftmend-documents-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("documents from files", () => {
  it("are those of a folder in order, hidden and other files left out", () => {
    writeFileSync(join(folder, "b.yaml"), model("b"));
    writeFileSync(join(folder, "a.yml"), `${model("a1")}---\n${model("a2")}`);
    writeFileSync(join(folder, ".hidden.yaml"), model("hidden"));
    writeFileSync(join(folder, "README.md"), "words");
    const { documents, failures } = documentsOf(readDocumentFiles(folder));
    expect(failures).toEqual([]);
    expect(documents.map(({ model: name, from }) => [name, from])).toEqual([
      ["a1", "a.yml:1"],
      ["a2", "a.yml:5"],
      ["b", "b.yaml"],
    ]);
  });

  it("are kept back one by one where they are wrong, with the line", () => {
    const { documents, failures } = documentsOf([
      { name: "good.yaml", text: model("good") },
      { name: "bad.yaml", text: model("bad", "labels:\n  latenes: 1h\n") },
      { name: "broken.yaml", text: "kind: [Model\n" },
      { name: "twice.yaml", text: model("good") },
    ]);
    expect(documents.map(({ model: name }) => name)).toEqual(["good"]);
    expect(failures.map(({ from, model: name }) => [from, name])).toEqual([
      ["broken.yaml", null],
      ["bad.yaml", "bad"],
      ["twice.yaml", null],
    ]);
    expect(failures[1]?.error.message).toBe(
      'Cannot use "bad.yaml" as an onboarding document:\n  line 6: labels.latenes: unknown key, did you mean "lateness"?',
    );
    expect(failures[2]?.error.message).toContain('"good" stands in good.yaml too');
  });

  it("take the defaults that select them, and beat them", () => {
    const { documents, failures } = documentsOf([
      {
        name: "defaults.yaml",
        text: defaults(
          'select: {name: ["fraud-*", other]}\ndefaults: {rollup: 1h, labels: {lateness: 2h, expected_within: 3d}}\n',
        ),
      },
      { name: "z.yaml", text: defaults("defaults: {segments: [country]}\n") },
      { name: "m.yaml", text: model("fraud-cards", "labels: {lateness: 5h}\n") },
      { name: "n.yaml", text: model("churn") },
    ]);
    expect(failures).toEqual([]);
    expect(documents.map(({ given }) => given)).toMatchObject([
      {
        metadata: { name: "fraud-cards" },
        rollup: "1h",
        segments: ["country"],
        labels: { lateness: "5h", expected_within: "3d" },
      },
      { metadata: { name: "churn" }, segments: ["country"] },
    ]);
    expect(documents[1]?.given).not.toHaveProperty("rollup");
  });

  it("are not spoilt by defaults that are wrong: these are told, and left out", () => {
    const { documents, failures } = documentsOf([
      { name: "defaults.yaml", text: defaults("defaults: {labels: {latenes: 1h}}\n") },
      { name: "m.yaml", text: model("m") },
    ]);
    expect(documents).toHaveLength(1);
    expect(failures.map(({ error }) => error.message)).toEqual([
      'Cannot use "defaults.yaml" as an onboarding document:\n  line 3: defaults.labels.latenes: unknown key, did you mean "lateness"?',
    ]);
  });

  it("say where there is nothing to read", () => {
    expect(() => readDocumentFiles(join(folder, "none"))).toThrow("Cannot read");
  });
});
