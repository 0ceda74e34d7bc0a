/** Who asks and whether they may: tokens of the configuration, named ones, and how often each may ask. */
import { timingSafeEqual } from "node:crypto";
import { DriftmendError } from "../contract/driftmend-error.ts";
import { LIMITS } from "../contract/limits.ts";
import type { NamedTokens } from "./named-tokens.ts";
import type { Rate } from "./request-rate.ts";

export type Access = "open" | "read" | "act";

export interface Tokens {
  readonly token: string | undefined;
  readonly readToken: string | undefined;
  /** Those that can be made and revoked. */
  readonly named?: NamedTokens | undefined;
}

export type Caller =
  /** No token is configured: anybody on this machine. */
  | { readonly kind: "anybody" }
  | { readonly kind: "none" }
  | { readonly kind: "unknown" }
  | { readonly kind: "revoked"; readonly name: string; readonly at: string }
  | { readonly kind: "known"; readonly name: string; readonly access: "read" | "act" };

export function callerOf(authorization: string | undefined, tokens: Tokens): Caller {
  if (!hasTokens(tokens)) return { kind: "anybody" };
  const given = /^Bearer (.+)$/i.exec(authorization ?? "")?.[1];
  if (given === undefined) return { kind: "none" };
  if (sameSecret(given, tokens.token)) return { kind: "known", name: "", access: "act" };
  if (sameSecret(given, tokens.readToken)) return { kind: "known", name: "", access: "read" };
  const named = tokens.named?.find(given) ?? null;
  if (named === null) return { kind: "unknown" };
  const { name, access, revoked } = named;
  return revoked === null
    ? { kind: "known", name, access }
    : { kind: "revoked", name, at: revoked };
}

export const hasTokens = ({ token, readToken }: Tokens): boolean =>
  token !== undefined || readToken !== undefined;

/** Null: they may. */
export function refusalOf(
  access: Access,
  caller: Caller,
): { readonly status: 401 | 403; readonly error: DriftmendError } | null {
  if (access === "open") return null;
  switch (caller.kind) {
    case "anybody":
      return null;
    case "known":
      if (access === "read" || caller.access === "act") return null;
      return {
        status: 403,
        error: new DriftmendError("token_reads_only", {
          retry: "never",
          message: `Cannot act as a token that may act is needed: ${caller.name === "" ? "the one that was sent" : `"${caller.name}"`} may only read`,
          next: 'Use the token that may act ("token" in ready.json), or make one: "driftmend token create --act --name N".',
        }),
      };
    case "revoked":
      return {
        status: 401,
        error: new DriftmendError("token_revoked", {
          retry: "never",
          message: `Cannot ${access} with the token "${caller.name}" as it must hold: it was revoked at ${caller.at}`,
          next: 'Ask whoever runs Driftmend for another; "driftmend token create" makes one.',
        }),
      };
    case "none":
    case "unknown":
      return {
        status: 401,
        error: new DriftmendError("token_missing", {
          retry: "never",
          message: `Cannot ${access} as a valid bearer token is needed: ${caller.kind === "none" ? "none was sent" : "nobody made the one that was sent"}`,
          next: 'Send "Authorization: Bearer <token>"; "ready.json" in the data directory holds the tokens.',
        }),
      };
  }
}

/** Whose bucket a request is counted in, and how large it is. */
export function rateOf(
  caller: Caller,
  address: string,
): { readonly key: string; readonly rate: Rate } {
  if (caller.kind === "known") {
    const key = caller.name === "" ? `own:${caller.access}` : `token:${caller.name}`;
    const rate = { burst: LIMITS.apiBurstMax, perSecond: LIMITS.apiPerSecondMax };
    return { key, rate };
  }
  const rate = { burst: LIMITS.apiStrangerBurstMax, perSecond: LIMITS.apiStrangerPerSecondMax };
  return { key: `address:${address}`, rate };
}

function sameSecret(given: string, wanted: string | undefined): boolean {
  if (wanted === undefined) return false;
  const a = Buffer.from(given);
  const b = Buffer.from(wanted);
  return a.length === b.length && timingSafeEqual(a, b);
}
