import { fastify } from "fastify";
import { describe, expect, it } from "vitest";
import { addRoutes as addAnalyzerRoutes } from "../../analyzer/routes/routes.ts";
import { analyzerRoutes } from "../../analyzer/routes/described.ts";
import { allRoutes, apiDocument } from "../../cli/api-document/api-document.ts";
import { addTokenRoutes } from "../../cli/up/token-routes.ts";
import { upstreamOf } from "../../cli/up/upstream-of.ts";
import { collectorRoutes } from "../../collector/described.ts";
import { addRoutes as addCollectorRoutes } from "../../collector/routes.ts";
import { retrainerRoutes } from "../../retrainer/http/described.ts";
import { addRoutes as addRetrainerRoutes } from "../../retrainer/http/routes.ts";
import type { DescribedRoute } from "../../runtime/described-route.ts";

type Add = (app: ReturnType<typeof fastify>) => void;

/** What a service registers, with who may call it; every service's own /api/v1/self apart. */
function registered(add: Add): string[] {
  const app = fastify();
  const found: string[] = [];
  app.addHook("onRoute", ({ method, url, config }) => {
    for (const one of [method].flat()) {
      if (one === "HEAD" || url === "/api/v1/self") continue;
      found.push(`${one} ${url} ${config?.access ?? "read"}`);
    }
  });
  add(app);
  return found.toSorted();
}

const described = (routes: readonly DescribedRoute[]): string[] =>
  routes.map(({ method, path, access }) => `${method} ${path} ${access}`).toSorted();

describe("the API's description", () => {
  // Handlers are registered, none is called: what they need is not touched.
  it.each<[string, Add, readonly DescribedRoute[]]>([
    ["analyzer", (app) => addAnalyzerRoutes(app, {} as never), analyzerRoutes],
    ["retrainer", (app) => addRetrainerRoutes(app, { journal: {} } as never), retrainerRoutes],
    ["collector", (app) => addCollectorRoutes(app, {} as never), collectorRoutes],
    [
      "gateway",
      (app) => addTokenRoutes(app, {} as never),
      allRoutes.filter(({ path }) => path.startsWith("/api/v1/tokens")),
    ],
  ])("has every route of the %s, with who may call it", (_service, add, routes) => {
    expect(registered(add)).toEqual(described(routes));
  });

  it("names each operation once, and every parameter of its path", () => {
    const { paths } = apiDocument() as {
      paths: Record<
        string,
        Record<string, { operationId: string; parameters?: { name: string; in: string }[] }>
      >;
    };
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.values(methods).map((operation) => ({ path, ...operation })),
    );
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { path, parameters = [] } of operations) {
      const inPath = parameters.filter((one) => one.in === "path").map(({ name }) => name);
      const wanted = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(inPath.toSorted()).toEqual(wanted.toSorted());
    }
  });

  it("sends each described path to the service that describes it", () => {
    const serviceOf = (routes: readonly DescribedRoute[]): unknown[] => [
      ...new Set(
        routes.map(({ path }) => {
          const upstream = upstreamOf(path.replaceAll(/:\w+/g, "x"));
          return upstream.service;
        }),
      ),
    ];
    expect(serviceOf(analyzerRoutes)).toEqual(["analyzer"]);
    expect(serviceOf(retrainerRoutes)).toEqual(["retrainer"]);
    expect(serviceOf(collectorRoutes)).toEqual(["collector"]);
  });
});
