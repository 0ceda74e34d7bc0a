import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { completionScript } from "../../cli/completion-script.ts";
import { createProgram } from "../../cli/program.ts";

const program = createProgram("0", () => Promise.resolve());
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "driftmend-completion-"));
  writeFileSync(join(folder, "driftmend.bash"), completionScript(program, "bash"));
  // Stands for the command that asks the running system for names.
  writeFileSync(
    join(folder, "driftmend"),
    '#!/bin/sh\nprintf "%s\\n" "flights-$3" card-fraud "x\\$(touch expanded)"\n',
    {
      mode: 0o755,
    },
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What bash offers after these words; the last one is being typed. */
function offered(...words: string[]): string[] {
  const list = ["driftmend", ...words].map((word) => `'${word}'`).join(" ");
  const script = `source driftmend.bash; COMP_WORDS=(${list}); COMP_CWORD=${words.length}; _driftmend; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = { PATH: `${folder}:/usr/bin:/bin` };
  return execFileSync("bash", ["--norc", "-c", script], { cwd: folder, env, encoding: "utf8" })
    .split("\n")
    .filter((line) => line !== "");
}

describe("completion in bash", () => {
  it("offers commands, then those of a group, then options", () => {
    expect(offered("mo")).toEqual(["model"]);
    expect(offered("model", "")).toEqual([
      "init",
      "apply",
      "diff",
      "list",
      "show",
      "retire",
      "--help",
    ]);
    expect(offered("model", "apply", "--d")).toEqual(["--dry-run", "--data-dir"]);
    expect(offered("completion", "z")).toEqual(["zsh"]);
    expect(offered("up", "--trainer", "")).toEqual(["node", "torch"]);
  });

  it("asks the running system for names, each command for those that it takes", () => {
    const [model, ...others] = offered("model", "show", "");
    expect([model, others[0]]).toEqual(["flights-model", "card-fraud"]);
    expect(offered("why", "fl")).toEqual(["flights-alert"]);
    expect(offered("cancel", "").slice(0, 2)).toEqual(["flights-run", "card-fraud"]);
    expect(offered("token", "revoke", "fl")).toEqual(["flights-token"]);
    expect(offered("alerts", "--model", "card")).toEqual(["card-fraud"]);
  });

  it("never runs what stands in a name", () => {
    expect(offered("tail", "x")).toEqual(["x$(touch expanded)"]);
    expect(readdirSync(folder)).not.toContain("expanded");
  });

  it("offers files where a file is wanted", () => {
    expect(offered("model", "apply", "-f", "driftmend.b")).toEqual(["driftmend.bash"]);
  });
});

describe("completion in zsh", () => {
  it("is the same through bashcompinit", () => {
    const [, loads] = completionScript(program, "zsh").split("\n");
    expect(loads).toBe("autoload -U +X bashcompinit && bashcompinit");
  });
});
