/**
 * Where alerts go: channels named `kind/name`, described in one file of the analyzer (DRIFTMEND_CHANNELS).
 * Documents only name them. Secrets are never in the file: they are `env:NAME` or `file:PATH`, read once at
 * the start, and everything wrong is said at once.
 */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import type { AlertSeverity } from "../../contract/alert.ts";
import { DriftmendError } from "../../contract/driftmend-error.ts";
import { Duration } from "../../contract/duration.ts";
import { ChannelName } from "../../contract/onboarding-document.ts";
import type { Environment } from "../../runtime/env.ts";

const SECRET = /^(env|file):(\S+)$/;
const Secret = z
  .string()
  .regex(SECRET, "expected env:NAME or file:PATH: secrets are not written into this file");
/** Addresses may be secrets themselves, as Slack's are. */
const Address = z.union([
  z.url({ protocol: /^https?$/, error: "expected an http or https URL, env:NAME or file:PATH" }),
  z.string().regex(SECRET),
]);
const Often = z.union([z.literal("off"), Duration]);
const MINUTE_MS = 60_000;
/** Faster than that says nothing more. */
const Heartbeat = Often.refine(
  (every) => every === "off" || every >= MINUTE_MS / 6,
  "expected at least 10s, or off",
);

const KINDS = {
  alertmanager: z.strictObject({
    url: Address,
    user: z.string().optional(),
    password: Secret.optional(),
    /** How often everything that fires, and DriftmendWatchdog, is sent again. */
    heartbeat: Duration.refine(
      (every) => every >= MINUTE_MS / 6 && every <= 3 * MINUTE_MS,
      "expected 10s to 3m: Alertmanager forgets what is not sent again",
    ).prefault("1m"),
  }),
  webhook: z.strictObject({
    url: Address,
    secret: Secret.optional(),
    /** Programs need no reminding. */
    remind: Often.prefault("off"),
    heartbeat: Heartbeat.prefault("off"),
  }),
  slack: z.strictObject({
    url: Address,
    remind: Often.prefault("4h"),
    heartbeat: Heartbeat.prefault("off"),
  }),
  pagerduty: z.strictObject({
    routing_key: Secret,
    url: Address.prefault("https://events.pagerduty.com/v2/enqueue"),
  }),
  email: z.strictObject({
    host: z.string().min(1),
    port: z.int().min(1).max(65_535).prefault(587),
    /** `starttls` insists on it; `off` is for a relay on this machine. */
    tls: z.enum(["starttls", "implicit", "off"]).prefault("starttls"),
    user: z.string().optional(),
    password: Secret.optional(),
    from: z.string().min(3),
    to: z.array(z.string().min(3)).min(1).max(50),
    remind: Often.prefault("4h"),
    heartbeat: Heartbeat.prefault("off"),
  }),
  heartbeat: z.strictObject({ url: Address, every: Duration.prefault("1m") }),
} as const;
type Kind = keyof typeof KINDS;

type Settings<K extends Kind> = z.output<(typeof KINDS)[K]>;
/** One way to people, with its secrets in hand. */
export type Channel = {
  [K in Kind]: { readonly kind: K; readonly name: string } & Settings<K>;
}[Kind];
export type ChannelOf<K extends Kind> = Extract<Channel, { readonly kind: K }>;

export interface ChannelBook {
  readonly channels: ReadonlyMap<string, Channel>;
  /** Channels of models whose document names none, by severity. */
  readonly defaults: Readonly<Partial<Record<AlertSeverity, readonly string[]>>>;
  /** Address of an alert for people, with `{id}` and `{model}` in it; null: none is shown. */
  readonly link: string | null;
}

export const NO_CHANNELS: ChannelBook = { channels: new Map(), defaults: {}, link: null };

const Names = z.union([ChannelName.transform((name) => [name]), z.array(ChannelName)]);
const File = z.strictObject({
  channels: z.record(z.string(), z.unknown()).prefault({}),
  defaults: z
    .strictObject({ page: Names.optional(), ticket: Names.optional(), info: Names.optional() })
    .prefault({}),
  link: z
    .string()
    .regex(/^https?:\/\/\S+$/, "expected an http or https URL")
    .optional(),
});

/** @throws {DriftmendError} channels_invalid */
export function readChannelsFile(path: string, env: Environment): ChannelBook {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw invalid(path, [cause instanceof Error ? cause.message : String(cause)]);
  }
  return parseChannels(text, path, env);
}

/** @throws {DriftmendError} channels_invalid with one line per mistake */
export function parseChannels(text: string, path: string, env: Environment): ChannelBook {
  let raw: unknown;
  try {
    raw = parse(text) ?? {};
  } catch (cause) {
    throw invalid(path, [cause instanceof Error ? cause.message : String(cause)]);
  }
  const file = File.safeParse(raw);
  if (!file.success) throw invalid(path, linesOf(file.error, ""));
  const problems: string[] = [];
  const channels = new Map<string, Channel>();
  for (const [name, settings] of Object.entries(file.data.channels)) {
    const channel = readChannel(name, settings, env, problems);
    if (channel !== null) channels.set(name, channel);
  }
  const { defaults, link } = file.data;
  const known = new Set(Object.keys(file.data.channels));
  for (const [severity, names] of Object.entries(defaults)) {
    const unknown = names?.filter((name) => !known.has(name)) ?? [];
    for (const name of unknown)
      problems.push(`defaults.${severity}: no channel is named "${name}"`);
  }
  if (problems.length > 0) throw invalid(path, problems);
  return { channels, defaults: defaults as ChannelBook["defaults"], link: link ?? null };
}

function readChannel(
  name: string,
  settings: unknown,
  env: Environment,
  problems: string[],
): Channel | null {
  const kind = name.split("/")[0] ?? "";
  if (!ChannelName.safeParse(name).success || !isKind(kind)) {
    problems.push(`channels: "${name}" is no channel, expected ${kindList()}/<name>`);
    return null;
  }
  const parsed = KINDS[kind].safeParse(settings ?? {});
  if (!parsed.success) {
    problems.push(...linesOf(parsed.error, `${name}: `));
    return null;
  }
  const read = Object.entries(parsed.data).map(([key, value]) => {
    const reference = typeof value === "string" ? SECRET.exec(value) : null;
    if (reference === null) return [key, value] as const;
    const found = secretOf(reference[1] === "env", reference[2] ?? "", env);
    if (found.problem !== null) problems.push(`${name}: ${key}: ${found.problem}`);
    else if (key === "url" && !/^https?:\/\//.test(found.value)) {
      problems.push(`${name}: ${key}: "${String(value)}" holds no http or https URL`);
    }
    return [key, found.value] as const;
  });
  return { kind, name, ...Object.fromEntries(read) } as Channel;
}

function secretOf(
  isVariable: boolean,
  place: string,
  env: Environment,
): { readonly value: string; readonly problem: string | null } {
  if (isVariable) {
    const value = env[place] ?? "";
    return { value, problem: value === "" ? `the variable ${place} is not set` : null };
  }
  try {
    const value = readFileSync(place, "utf8").trim();
    return { value, problem: value === "" ? `the file "${place}" is empty` : null };
  } catch (cause) {
    return { value: "", problem: cause instanceof Error ? cause.message : String(cause) };
  }
}

const isKind = (kind: string): kind is Kind => kind in KINDS;
const kindList = (): string => Object.keys(KINDS).join("|");

const linesOf = (error: z.ZodError, prefix: string): string[] =>
  error.issues.map(({ path, message }) => `${prefix}${path.join(".")}: ${message}`);

function invalid(path: string, problems: readonly string[]): DriftmendError {
  return new DriftmendError("channels_invalid", {
    retry: "never",
    message: `Cannot use "${path}" as the channels of alerts:\n  ${problems.join("\n  ")}`,
    next: "Correct the file that DRIFTMEND_CHANNELS names; docs/alerts.md shows each kind of channel.",
  });
}
