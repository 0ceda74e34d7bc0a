/**
 * The token of this tab: taken from the address once (#token=…), kept for the tab's life, and never left in
 * the address, where it would be bookmarked, copied and shown on a shared screen.
 */

const KEY = "driftmend.token";

/** What the fragment of an address says: the token, and the fragment without it. */
export function readFragment(hash: string): {
  readonly token: string | null;
  readonly rest: string;
} {
  const params = new URLSearchParams(hash.replace(/^#/, ""));
  const token = params.get("token");
  if (token === null || token === "") return { token: null, rest: hash };
  params.delete("token");
  const rest = params.toString().replace(/=$/, "");
  return { token, rest: rest === "" ? "" : `#${rest}` };
}

export interface Places {
  readonly location: Pick<Location, "hash" | "pathname" | "search">;
  readonly history: Pick<History, "replaceState">;
  readonly storage: Pick<Storage, "getItem" | "setItem">;
}

/** Null where there is none: whoever may read without one is told by the API. */
export function openSession({ location, history, storage }: Places): string | null {
  const { token, rest } = readFragment(location.hash);
  if (token === null) return storage.getItem(KEY);
  storage.setItem(KEY, token);
  history.replaceState(null, "", `${location.pathname}${location.search}${rest}`);
  return token;
}
