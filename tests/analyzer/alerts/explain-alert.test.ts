import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, it } from "vitest";
import { explainAlert } from "../../../analyzer/alerts/explain-alert.ts";
import { viewOfNotice } from "../../../analyzer/routes/told-alerts.ts";
import { noticeOf } from "../../../analyzer/notify/notice.ts";
import { change } from "../notify/support/notification-stage.ts";

/** The commands of an alert of this model. */
function commandsOf(model: string): readonly string[] {
  const notice = noticeOf(change("firing", { model }), {}, null, 0);
  const stored = { ...notice.draft, firedMs: 0, replayDigest: "" };
  const around = { changes: [], checks: [], annotations: [] };
  return explainAlert(viewOfNotice(notice), stored, around).explanation.commands;
}

it("commands name a model so that a shell takes it for one word, whatever somebody called it", () => {
  expect(commandsOf("card-fraud")).toContain("driftmend loop pause card-fraud");
  const unit = fc.oneof(
    fc.constantFrom("$(id)", "`id`", "'", '"', "\\", "\n", "\r", " ", "!", "*", "&", ";", "a"),
    fc.string({ minLength: 1, maxLength: 1 }),
  );
  const names = fc.sample(
    fc.array(unit, { minLength: 1, maxLength: 12 }).map((parts) => parts.join("").trim() || "m"),
    { numRuns: 200, seed: 3 },
  );
  const pauses = names.map((name) => commandsOf(name).find((text) => text.includes("loop pause")));
  expect(pauses.every((line) => line !== undefined && !/\p{Cc}/u.test(line))).toBe(true);
  const script = `driftmend() { printf '%s' "$3" | od -An -v -tx1 | tr -d ' \\n'; echo; }\n${pauses.join("\n")}`;
  const words = execFileSync("bash", ["--norc"], {
    input: script,
    encoding: "utf8",
    env: { LC_ALL: "C.UTF-8", PATH: "/usr/bin:/bin" },
  });
  expect(
    words
      .trim()
      .split("\n")
      .map((hex) => Buffer.from(hex, "hex").toString()),
  ).toEqual(names);
});
