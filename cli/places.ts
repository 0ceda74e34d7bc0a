/** Where this program lies: sources of a checkout, or `dist/` of an installed package. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

const isSource = import.meta.filename.endsWith(".ts");

/** The folder of package.json. */
export const root = resolve(import.meta.dirname, isSource ? ".." : "../..");

export const isCheckout = isSource && existsSync(join(root, "package-lock.json"));

/** Absolute path of a module of ours, "agent/main", in whichever form it is run. */
export function modulePath(name: string): string {
  return resolve(import.meta.dirname, "..", `${name}${isSource ? ".ts" : ".js"}`);
}

/** `.driftmend` in the checkout, or in the working directory for an installed package. */
export function defaultDataDirectory(): string {
  return join(isCheckout ? root : process.cwd(), ".driftmend");
}
