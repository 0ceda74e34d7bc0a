/**
 * What must be in the environment before the store's process starts, since neither can be set
 * later: the size of libuv's pool (an insert waited 36 s behind queries with the default of 4) and
 * the engine's time zone, which decides what a day is.
 */
import { threadPoolSize } from "./lanes.ts";

/** Spread this into the environment of `store/embedded/main.ts`. */
export function storeEnvironment(cores: number): Readonly<Record<string, string>> {
  return { UV_THREADPOOL_SIZE: String(threadPoolSize(cores)), TZ: "UTC" };
}

/** What is wrong with an environment, or undefined. */
export function environmentProblem(
  env: Readonly<Record<string, string | undefined>>,
  cores: number,
): string | undefined {
  const threads = Number(env["UV_THREADPOOL_SIZE"] ?? "4");
  const wanted = threadPoolSize(cores);
  if (threads < wanted) return `UV_THREADPOOL_SIZE is ${threads}, not at least ${wanted}`;
  return env["TZ"] === "UTC" ? undefined : `TZ is "${env["TZ"] ?? ""}", not "UTC"`;
}
