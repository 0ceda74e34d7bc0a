/** Moves between addresses without loading the page anew; the browser's own buttons work as everywhere. */
import { useEffect, useState } from "preact/hooks";
import { type Route, parseRoute } from "./route.ts";

export function navigate(path: string): void {
  history.pushState(null, "", path);
  dispatchEvent(new PopStateEvent("popstate"));
}

/** Follows plain clicks on links to this page; anything else is the browser's. */
export function followLinks(event: MouseEvent): void {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
  if (link === null || !plain || event.altKey || event.defaultPrevented) return;
  if (link.origin !== location.origin || link.target !== "" || link.hash !== "") return;
  if (link.pathname.startsWith("/api/")) return;
  event.preventDefault();
  navigate(`${link.pathname}${link.search}`);
}

export function useRoute(): Route {
  const [path, setPath] = useState(location.pathname);
  useEffect(() => {
    const changed = (): void => setPath(location.pathname);
    addEventListener("popstate", changed);
    return () => removeEventListener("popstate", changed);
  }, []);
  return parseRoute(path);
}
