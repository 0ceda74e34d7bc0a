import { describe, expect, it } from "vitest";
import { errorLines } from "../../cli/error-lines.ts";
import { plain } from "../../cli/paint.ts";
import { type Started, asTyped, howTyped } from "../../cli/typed-command.ts";
import { DriftmendError } from "../../contract/driftmend-error.ts";

const started: Started = {
  script: "/usr/local/bin/driftmend",
  workingFolder: "/home/ada",
  npmCommand: undefined,
  dataDir: undefined,
};
const programOf = (over: Partial<Started>, checkout: string | null): string =>
  howTyped({ ...started, ...over }, checkout).program;

describe("a command in what is printed", () => {
  it("is typed as this one was", () => {
    const checkout = "/src/driftmend";
    expect(programOf({ workingFolder: "/src/driftmend" }, checkout)).toBe("npx driftmend");
    expect(programOf({ workingFolder: "/src/driftmend/docs" }, checkout)).toBe("npx driftmend");
    expect(programOf({}, checkout)).toBe("node /src/driftmend/cli/driftmend.mjs");
    expect(programOf({}, null)).toBe("driftmend");
    expect(programOf({ npmCommand: "exec" }, null)).toBe("npx driftmend");
    expect(programOf({ script: "/opt/a b/cli/driftmend.mjs" }, null)).toBe(
      'node "/opt/a b/cli/driftmend.mjs"',
    );
  });

  it("carries the data directory that was named, where it asks a system", () => {
    const how = howTyped({ ...started, workingFolder: "/src", dataDir: "/tmp/try" }, "/src");
    expect(asTyped('"driftmend runs flights" shows how it goes', how)).toBe(
      '"npx driftmend runs flights --data-dir /tmp/try" shows how it goes',
    );
    expect(asTyped("driftmend silence a1 --for 4h --reason …", how)).toBe(
      "npx driftmend silence a1 --for 4h --reason … --data-dir /tmp/try",
    );
    expect(asTyped('Start one with "npm start" (or "npx driftmend up")', how)).toBe(
      'Start one with "npm start" (or "npx driftmend up")',
    );
    expect(asTyped("flights: driftmend is a word, and so is driftmend-like", how)).toBe(
      "flights: driftmend is a word, and so is driftmend-like",
    );
  });

  it("is so in what follows an error, too", () => {
    const error = new DriftmendError("not_found", {
      retry: "never",
      message: 'Cannot find the run "x"',
      next: '"driftmend status" lists models, "driftmend runs MODEL" its runs.',
    });
    expect(errorLines(error, plain, { program: "npx driftmend", option: " --data-dir d" })[1]).toBe(
      '  → "npx driftmend status --data-dir d" lists models, "npx driftmend runs MODEL --data-dir d" its runs.',
    );
  });
});
