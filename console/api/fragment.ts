/** The part of an address that no server sees, and that brings the token: #token=… */

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
