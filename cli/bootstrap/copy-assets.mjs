/** The last step of `npm run build`: what the compiled program reads beside itself and the compiler leaves out. */
import { cpSync, globSync } from "node:fs";
import { join, resolve } from "node:path";

const ASSETS = [
  "store/migrations/*.sql",
  "retrainer/**/*.sh",
  "agent/**/*.yaml",
  "console/dist/**/*.*",
];

const root = resolve(import.meta.dirname, "..", "..");
const target = resolve(process.argv[2] ?? join(root, "dist"));
for (const file of globSync(ASSETS, { cwd: root })) cpSync(join(root, file), join(target, file));
