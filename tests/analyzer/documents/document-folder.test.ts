import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DocumentFolder, type FolderTarget } from "../../../analyzer/documents/document-folder.ts";
import type { KnownModel } from "../../../analyzer/documents/model-documents.ts";
import { checkChange } from "../../../analyzer/documents/who-may-change.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { silentLogger } from "../../../runtime/logger.ts";

/** Holds documents as the analyzer does, without its tables. */
class Held implements FolderTarget {
  readonly known = new Map<string, KnownModel>();
  puts = 0;

  list(): readonly KnownModel[] {
    return [...this.known.values()];
  }

  put(document: KnownModel["document"], given: unknown, by: string): Promise<void> {
    const model = document.metadata.name;
    const active = this.list().filter(({ status }) => status === "active");
    checkChange(model, document, by, active);
    this.puts++;
    this.known.set(model, {
      ...{ model, document, given, by, status: "active" },
      ...{ revision: this.puts, updatedMs: 0 },
    });
    return Promise.resolve();
  }

  retire(model: string): Promise<void> {
    const known = this.known.get(model);
    if (known !== undefined) this.known.set(model, { ...known, status: "retired" });
    return Promise.resolve();
  }

  active(): string[] {
    return this.list()
      .filter(({ status }) => status === "active")
      .map(({ model }) => model);
  }
}

let path = "";
let held = new Held();
let folder: DocumentFolder;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), "driftmend-folder-"));
  held = new Held();
  folder = new DocumentFolder(path, { target: held, clock: systemClock, logger: silentLogger });
});
afterEach(() => rmSync(path, { recursive: true, force: true }));

const write = (file: string, model: string, more = ""): void =>
  writeFileSync(
    join(path, file),
    `apiVersion: driftmend/v1\nkind: Model\nmetadata: {name: ${model}}\ntask: {type: binary}\n${more}`,
  );

describe("the watched folder", () => {
  it("puts its documents in force once, and again when they change", async () => {
    write("a.yaml", "a");
    write("b.yaml", "b");
    await folder.look();
    await folder.look();
    expect([held.active(), held.puts]).toEqual([["a", "b"], 2]);
    expect(held.known.get("a")?.by).toBe("folder:a.yaml");
    write("b.yaml", "b", "rollup: 1h\n");
    await folder.look();
    expect([held.puts, held.known.get("b")?.document.rollup]).toEqual([3, "1h"]);
    expect(folder.state()).toMatchObject({ documents: 2, problems: [] });
  });

  it("keeps what holds where a file went wrong, and says so until it is right", async () => {
    write("a.yaml", "a", "rollup: 1h\n");
    await folder.look();
    write("a.yaml", "a", "rolup: 1d\n");
    await folder.look();
    expect(held.known.get("a")).toMatchObject({ status: "active", document: { rollup: "1h" } });
    expect(folder.state().problems).toMatchObject([
      { from: "a.yaml", model: "a", error: expect.stringContaining('did you mean "rollup"?') },
    ]);
    write("a.yaml", "a", "rollup: 1d\n");
    await folder.look();
    expect(held.known.get("a")?.document.rollup).toBe("1d");
    expect(folder.state().problems).toEqual([]);
  });

  it("retires the model whose file is gone, but not while a file cannot be read", async () => {
    write("a.yaml", "a");
    write("b.yaml", "b");
    await folder.look();
    rmSync(join(path, "a.yaml"));
    writeFileSync(join(path, "b.yaml"), "kind: [Model\n");
    await folder.look();
    expect(held.active()).toEqual(["a", "b"]);
    write("b.yaml", "b");
    await folder.look();
    expect(held.active()).toEqual(["b"]);
  });

  it("retires no fleet when it is away or empty", async () => {
    write("a.yaml", "a");
    await folder.look();
    rmSync(join(path, "a.yaml"));
    await folder.look();
    expect(held.active()).toEqual(["a"]);
    expect(folder.state().problems[0]?.error).toContain("they stay in force");
    rmSync(path, { recursive: true });
    await folder.look();
    expect(held.active()).toEqual(["a"]);
    expect(folder.state().problems[0]?.error).toContain("document_unreadable");
  });

  it("says which two models would have one server, and takes the second once the first is narrower", async () => {
    write("a.yaml", "a", "match: {resource: {service.name: api}}\n");
    write("b.yaml", "b", "match: {resource: {service.name: api, zone: eu}}\n");
    await folder.look();
    expect(held.active()).toEqual(["a"]);
    expect(folder.state().problems).toMatchObject([
      { from: "b.yaml", model: "b", error: expect.stringContaining("models_overlap") },
    ]);
    write("a.yaml", "a", "match: {resource: {service.name: api, zone: us}}\n");
    await folder.look();
    expect(held.active()).toEqual(["a", "b"]);
  });
});
