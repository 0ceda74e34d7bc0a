/**
 * The API against its own description: schemathesis reads /api/openapi.json of a running system with a model
 * in it and asks every operation what its schemas allow and what they do not. No answer may be a fault of
 * ours, of a status or a shape that the description does not name, or take what it says to refuse.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { processEnvironment } from "../../runtime/env.ts";
import { systemClock } from "../../runtime/clock.ts";
import { pythonWith } from "./support/python-venv.ts";
import { startSystem } from "./support/running-system.ts";

const EXAMPLES = process.argv[2] ?? "10";
/** What an answer must hold to; other methods of a path are answered 404 like paths that are not there. */
const CHECKS = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_schema_conformance",
  "negative_data_rejection",
  "ignored_auth",
];

const programs = pythonWith(["schemathesis>=4.3,<5"]);
await using system = await startSystem();
const { url, token, otlpHttp } = system.ready;
const nowMs = systemClock.nowMs();
const events = Array.from({ length: 200 }, (_, i) =>
  JSON.stringify({
    ...{
      model: "fuzzed",
      version: "1",
      id: `p${i}`,
      time: new Date(nowMs - i * 1000).toISOString(),
    },
    features: { amount: i, country: i % 2 === 0 ? "DE" : "FR" },
    score: (i % 10) / 10,
  }),
).join("\n");
await fetch(`${otlpHttp}/v1/events`, { method: "POST", body: events });
await systemClock.sleep(5_000);

const child = spawn(
  join(programs, "schemathesis"),
  [
    ...["run", `${url}/api/openapi.json`, "--url", url],
    ...["--header", `Authorization: Bearer ${token}`],
    ...["--checks", CHECKS.join(",")],
    ...["--max-examples", EXAMPLES, "--seed", "1", "--workers", "1"],
    ...["--request-timeout", "60", "--suppress-health-check", "all", "--continue-on-failure"],
    ...["--phases", "examples,coverage,fuzzing", "--mode", "all"],
    // It waits as long as it is told to.
    ...["--exclude-operation-id", "postApiV1RunsRebuild"],
    "--no-color",
  ],
  // What it remembers of its runs is nobody's.
  {
    cwd: mkdtempSync(join(tmpdir(), "driftmend-schemathesis-")),
    stdio: "inherit",
    env: { ...processEnvironment(), PYTHONWARNINGS: "ignore" },
  },
);
const [code] = await once(child, "close");
process.exitCode = code === 0 ? 0 : 1;
