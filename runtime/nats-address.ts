/**
 * A NATS URL taken apart: credentials stand in front of the address (`nats://user:password@host` or
 * `nats://token@host`), which the client itself does not read. Only `shown` may go into logs and errors.
 */

export type NatsCredentials =
  | { readonly kind: "none" }
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "user"; readonly user: string; readonly password: string };

export interface NatsAddress {
  /** Without credentials. */
  readonly shown: string;
  readonly credentials: NatsCredentials;
}

/** Parts of credentials are percent-decoded where they are valid so. */
export function natsAddress(url: string): NatsAddress {
  const at = url.lastIndexOf("@");
  if (at < 0) return { shown: url, credentials: { kind: "none" } };
  const scheme = /^[a-z]+:\/\//i.exec(url)?.[0] ?? "";
  const shown = `${scheme}${url.slice(at + 1)}`;
  const said = url.slice(scheme.length, at);
  const colon = said.indexOf(":");
  if (colon < 0) return { shown, credentials: { kind: "token", token: decoded(said) } };
  const user = decoded(said.slice(0, colon));
  const password = decoded(said.slice(colon + 1));
  return { shown, credentials: { kind: "user", user, password } };
}

/** `url` with a user and a password in front of its address. */
export function withCredentials(url: string, user: string, password: string): string {
  const { shown } = natsAddress(url);
  const scheme = /^[a-z]+:\/\//i.exec(shown)?.[0] ?? "nats://";
  const address = shown.replace(/^[a-z]+:\/\//i, "");
  return `${scheme}${encodeURIComponent(user)}:${encodeURIComponent(password)}@${address}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
