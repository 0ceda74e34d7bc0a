/** A service for tests of the supervisor: its environment says how it behaves. */
import { processEnvironment } from "../../../../runtime/env.ts";
import { existsSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";

const env = processEnvironment();
const behaviour = env["BEHAVIOUR"] ?? "steady";
const mark = env["MARK"] ?? "";

process.on("disconnect", () => process.exit(0));
if (behaviour !== "deaf") process.on("SIGTERM", () => process.exit(0));
else process.on("SIGTERM", () => undefined);

if (behaviour === "wrong-state") {
  process.send?.({ kind: "failed", message: "Cannot start as the table must be there: it is not" });
  process.exit(78);
}
if (behaviour === "never-ready") {
  process.stderr.write("Error: no such file\n");
  process.exit(1);
}
if (behaviour === "dies-once" && !existsSync(mark)) {
  writeFileSync(mark, "");
  setTimeout(() => process.abort(), 100);
}
if (behaviour === "wrong-after-restart") {
  if (existsSync(mark)) process.exit(78);
  writeFileSync(mark, "");
  setTimeout(() => process.exit(3), 100);
}
if (behaviour === "has-trainer") {
  const trainer = spawn("/bin/sleep", ["600"], { stdio: "ignore" });
  process.send?.({ kind: "trainer", pid: trainer.pid });
}
if (behaviour === "finishes") {
  setTimeout(() => {
    process.send?.({ kind: "finished" });
    process.exit(0);
  }, 100);
}
setInterval(() => undefined, 1000);
const isSlow = behaviour === "slow-once" && !existsSync(mark);
if (isSlow) writeFileSync(mark, "");
else process.send?.({ kind: "ready", url: `http://127.0.0.1:1/${process.pid}` });
