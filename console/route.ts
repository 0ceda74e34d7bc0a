/** Addresses of the page: what each shows, and how one is written. They can be bookmarked, shared and reloaded. */

export type Route =
  | { readonly view: "fleet" }
  | { readonly view: "model"; readonly model: string }
  | { readonly view: "alerts" }
  | { readonly view: "alert"; readonly id: string }
  | { readonly view: "runs" }
  | { readonly view: "run"; readonly id: string }
  | { readonly view: "unknown"; readonly path: string };

export function parseRoute(path: string): Route {
  const parts = path.split("/").filter((part) => part !== "");
  const [folder, name] = parts;
  if (folder === undefined) return { view: "fleet" };
  const text = name === undefined ? null : decoded(name);
  if (parts.length <= 2 && text !== "") {
    if (folder === "models" && text !== null) return { view: "model", model: text };
    if (folder === "alerts")
      return text === null ? { view: "alerts" } : { view: "alert", id: text };
    if (folder === "runs") return text === null ? { view: "runs" } : { view: "run", id: text };
  }
  return { view: "unknown", path };
}

/** Empty for what is no text: an address that nobody wrote on purpose. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

export const modelPath = (model: string): string => `/models/${encodeURIComponent(model)}`;
export const alertPath = (id: string): string => `/alerts/${encodeURIComponent(id)}`;
export const runPath = (id: string): string => `/runs/${encodeURIComponent(id)}`;

/** Path of a model's routes in the API. */
export const apiOf = (model: string): string => `/api/v1/models/${encodeURIComponent(model)}`;
