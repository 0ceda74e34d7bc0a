/**
 * The token of this tab: taken from the address once (#token=…), kept for the tab's life, and never left in
 * the address, where it would be bookmarked, copied and shown on a shared screen.
 */
import { readFragment } from "./fragment.ts";

const KEY = "driftmend.token";

export interface Places {
  readonly location: Pick<Location, "hash" | "pathname" | "search">;
  readonly history: Pick<History, "replaceState">;
  readonly storage: Pick<Storage, "getItem" | "setItem">;
}

/** Keeps a token that was typed, as if the address had carried it. */
export function enterToken(token: string, { storage }: Pick<Places, "storage">): void {
  storage.setItem(KEY, token.trim());
}

/** Null where there is none: whoever may read without one is told by the API. */
export function openSession({ location, history, storage }: Places): string | null {
  const { token, rest } = readFragment(location.hash);
  if (token === null) return storage.getItem(KEY);
  storage.setItem(KEY, token);
  history.replaceState(null, "", `${location.pathname}${location.search}${rest}`);
  return token;
}
