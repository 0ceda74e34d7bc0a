/**
 * `npm run ok`: everything that is checked without running the product: types, lint, format, dead code,
 * generated docs, house rules. Each step with its seconds; the output of those that fail only.
 */
import { spawn } from "node:child_process";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");
const TOOLS = join(ROOT, "node_modules", ".bin");

interface Step {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

const STEPS: readonly Step[] = [
  { name: "types", command: [join(TOOLS, "tsc"), "-p", "tsconfig.json"] },
  { name: "types of the page", command: [join(TOOLS, "tsc"), "-p", "console/tsconfig.json"] },
  { name: "lint", command: [join(TOOLS, "oxlint"), "--type-aware", "."] },
  { name: "format", command: [join(TOOLS, "biome"), "format", "."] },
  { name: "dead code", command: [join(TOOLS, "knip")] },
  { name: "generated docs", command: [process.execPath, "docs/generate.ts", "--check"] },
  {
    name: "house rules",
    command: [process.execPath, "node_modules/vitest/vitest.mjs", "run", "tests/tidy.test.ts"],
  },
];

function run(step: Step): Promise<{ ok: boolean; output: string }> {
  const [program, ...args] = step.command;
  return new Promise((done) => {
    const child = spawn(program, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.once("error", (error) => done({ ok: false, output: String(error) }));
    child.once("close", (code) => done({ ok: code === 0, output }));
  });
}

let failed = 0;
for (const step of STEPS) {
  const started = performance.now();
  const { ok, output } = await run(step);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${ok ? "ok    " : "FAILED"} ${step.name.padEnd(18)} ${seconds} s\n`);
  if (!ok) {
    failed += 1;
    process.stdout.write(`${output.trimEnd()}\n`);
  }
}
process.stdout.write(`${STEPS.length - failed} of ${STEPS.length} checks passed\n`);
process.exitCode = failed === 0 ? 0 : 1;
