/**
 * Named tokens beside the two of the configuration: made, listed and revoked while the system runs. The file
 * holds their SHA-256 only (they are 256 random bits, so a slow hash adds nothing) and is shared by the
 * services of one system, which read it again within a second of a change.
 */
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { z } from "zod";
import { DriftmendError } from "../contract/driftmend-error.ts";
import { LIMITS } from "../contract/limits.ts";
import { writeFileAtomic } from "./atomic-file.ts";
import type { Clock } from "./clock.ts";

export const TokenName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/, "expected 1 to 64 letters, digits or . _ @ -");
export const TokenAccess = z.enum(["read", "act"]);

const NamedToken = z.strictObject({
  name: TokenName,
  access: TokenAccess,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  created: z.iso.datetime(),
  by: z.string(),
  /** Null while it holds. */
  revoked: z.iso.datetime().nullable(),
});
export type NamedToken = z.infer<typeof NamedToken>;
const TokenFile = z.strictObject({ tokens: z.array(NamedToken) });

const LOOK_AGAIN_MS = 500;
const digestOf = (secret: string): string => createHash("sha256").update(secret).digest("hex");

export class NamedTokens {
  private readonly path: string;
  private readonly clock: Clock;
  private lookedMs = Number.NEGATIVE_INFINITY;
  private seen = "";
  private tokens: readonly NamedToken[] = [];
  private byDigest: ReadonlyMap<string, NamedToken> = new Map();
  private writing: Promise<unknown> = Promise.resolve();

  constructor(path: string, clock: Clock) {
    this.path = path;
    this.clock = clock;
  }

  /** Revoked ones too, so that their holder can be told. Null: nobody made it. */
  find(secret: string): NamedToken | null {
    this.look(LOOK_AGAIN_MS);
    return this.byDigest.get(digestOf(secret)) ?? null;
  }

  list(): readonly NamedToken[] {
    this.look(0);
    return this.tokens;
  }

  /**
   * @returns the secret, which is not kept
   * @throws {DriftmendError} token_exists, tokens_too_many
   */
  create(given: {
    readonly name: string;
    readonly access: NamedToken["access"];
    readonly by: string;
  }): Promise<{ readonly secret: string; readonly token: NamedToken }> {
    return this.change(async (tokens) => {
      const { name, access, by } = given;
      if (tokens.some((one) => one.name === name && one.revoked === null)) {
        throw new DriftmendError("token_exists", {
          retry: "never",
          message: `Cannot make a token "${name}" as names are given once: it exists`,
          next: '"driftmend token list" shows all; revoke it first, or take another name.',
        });
      }
      // The oldest revoked one gives way; its holder is then told that nobody knows it.
      const kept = tokens.length < LIMITS.namedTokensMax ? tokens : withoutOldestRevoked(tokens);
      const secret = `dm${access === "act" ? "a" : "r"}_${randomBytes(32).toString("base64url")}`;
      const created = new Date(this.clock.nowMs()).toISOString();
      const token = { name, access, sha256: digestOf(secret), created, by, revoked: null };
      await this.write([...kept, token]);
      return { secret, token };
    });
  }

  /** @throws {DriftmendError} not_found */
  revoke(name: string): Promise<NamedToken> {
    return this.change(async (tokens) => {
      const found = tokens.find((one) => one.name === name && one.revoked === null);
      if (found === undefined) {
        throw new DriftmendError("not_found", {
          retry: "never",
          message: `Cannot revoke the token "${name}": none of that name holds`,
          next: '"driftmend token list" shows them. The two of ready.json are the system\'s own.',
        });
      }
      const revoked = { ...found, revoked: new Date(this.clock.nowMs()).toISOString() };
      await this.write(tokens.map((one) => (one === found ? revoked : one)));
      return revoked;
    });
  }

  /** One change after another: each begins with what the one before it wrote. */
  private change<T>(work: (tokens: readonly NamedToken[]) => Promise<T>): Promise<T> {
    const done = this.writing.then(() => work(this.list()));
    this.writing = done.catch(() => undefined);
    return done;
  }

  private async write(tokens: readonly NamedToken[]): Promise<void> {
    await writeFileAtomic(this.path, `${JSON.stringify({ tokens }, null, 2)}\n`, 0o600);
    this.seen = "";
    this.look(0);
  }

  private look(afterMs: number): void {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.lookedMs < afterMs) return;
    this.lookedMs = nowMs;
    const stat = statSync(this.path, { throwIfNoEntry: false, bigint: true });
    const seen = stat === undefined ? "none" : `${stat.ino}/${stat.size}/${stat.mtimeNs}`;
    if (seen === this.seen) return;
    this.tokens = stat === undefined ? [] : readTokens(this.path);
    this.byDigest = new Map(this.tokens.map((token) => [token.sha256, token]));
    this.seen = seen;
  }
}

function withoutOldestRevoked(tokens: readonly NamedToken[]): readonly NamedToken[] {
  const at = tokens.findIndex(({ revoked }) => revoked !== null);
  if (at >= 0) return tokens.toSpliced(at, 1);
  throw new DriftmendError("tokens_too_many", {
    retry: "never",
    message: `Cannot make another token as there may be ${LIMITS.namedTokensMax}: all of them hold`,
    next: 'Revoke those that nobody uses; "driftmend token list" shows them.',
  });
}

function readTokens(path: string): readonly NamedToken[] {
  try {
    return TokenFile.parse(JSON.parse(readFileSync(path, "utf8"))).tokens;
  } catch (cause) {
    throw new DriftmendError("token_file_unreadable", {
      retry: "later",
      message: `Cannot read "${path}" as the file of named tokens: ${cause instanceof Error ? cause.message : String(cause)}`,
      next: "Restore the file, or move it away and make the tokens again.",
      cause,
    });
  }
}
