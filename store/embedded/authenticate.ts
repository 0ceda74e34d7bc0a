/** Two accounts: one that may do everything, and one that may only read what the tables hold. */
import { createHash, timingSafeEqual } from "node:crypto";
import { type EngineException, exception } from "./exception.ts";
import type { Credentials } from "./request.ts";

export type Role = "writer" | "reader";

export interface Accounts {
  readonly user: string;
  readonly password: string;
  readonly reader: { readonly user: string; readonly password: string } | undefined;
}

export type Authentication =
  | { readonly kind: "known"; readonly role: Role; readonly user: string }
  | { readonly kind: "refused"; readonly error: EngineException };

export function authenticate(credentials: Credentials, accounts: Accounts): Authentication {
  const { user, password } = credentials;
  if (user === undefined) {
    const error = exception(
      "REQUIRED_PASSWORD",
      "Authentication failed: no user was given: send Basic authorization or X-ClickHouse-User and X-ClickHouse-Key",
    );
    return { kind: "refused", error };
  }
  if (user === accounts.user && sameSecret(password, accounts.password)) {
    return { kind: "known", role: "writer", user };
  }
  const { reader } = accounts;
  if (reader !== undefined && user === reader.user && sameSecret(password, reader.password)) {
    return { kind: "known", role: "reader", user };
  }
  const error = exception(
    "AUTHENTICATION_FAILED",
    `${user}: Authentication failed: password is incorrect, or there is no user with such name`,
  );
  return { kind: "refused", error };
}

function sameSecret(given: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
