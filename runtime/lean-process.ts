/**
 * How a process of Node is started that shall stay small beside a model server: glibc gives large buffers back at once,
 * where it would keep what it has for an agent that was busy an hour ago, and V8's space of young objects is small. Both
 * are read before the first line of a program runs. What they are worth is measured by the bench endurance.
 */

export const LEAN_ENVIRONMENT: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: "2",
  MALLOC_MMAP_THRESHOLD_: "131072",
  MALLOC_TRIM_THRESHOLD_: "131072",
};
/** Flags of Node. */
export const LEAN_FLAGS: readonly string[] = ["--max-semi-space-size=2"];
