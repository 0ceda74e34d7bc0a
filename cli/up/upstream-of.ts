/** Which service answers which path behind the gateway (docs/architecture.md, HTTP). */

export const SERVICES = ["agent", "collector", "analyzer", "retrainer"] as const;
export type ServiceName = (typeof SERVICES)[number];

export type Upstream =
  | { readonly kind: "service"; readonly service: ServiceName; readonly path: string }
  | { readonly kind: "unknown-service"; readonly service: string };

const RETRAINER = [
  /^\/api\/v1\/models\/[^/]+\/(?:runs|versions|loop|rollback|checks)(?:\/|$)/,
  /^\/api\/v1\/runs(?:\/|$)/,
  /^\/api\/v1\/audit(?:\/|$)/,
  /^\/v1\/analysis\//,
];
const COLLECTOR = [/^\/api\/v1\/(?:dead-letters|storage|erasures)(?:\/|$)/];
/** What commands hand in, for those who reach the gateway alone. */
const AGENT = [/^\/v1\/(?:labels|events)$/];
const SELF = /^\/api\/v1\/self\/([^/]+)$/;

/** `path` without the query. */
export function upstreamOf(path: string): Upstream {
  const asked = SELF.exec(path)?.[1];
  if (asked !== undefined) {
    const service = SERVICES.find((name) => name === asked);
    return service === undefined
      ? { kind: "unknown-service", service: asked }
      : { kind: "service", service, path: "/api/v1/self" };
  }
  const matches = (patterns: readonly RegExp[]): boolean =>
    patterns.some((pattern) => pattern.test(path));
  if (matches(RETRAINER)) return { kind: "service", service: "retrainer", path };
  if (matches(AGENT)) return { kind: "service", service: "agent", path };
  if (matches(COLLECTOR)) return { kind: "service", service: "collector", path };
  return { kind: "service", service: "analyzer", path };
}
