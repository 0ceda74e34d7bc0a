/**
 * OpenAPI 3.1 of the one origin: the routes of all services behind the gateway, made of the schemas that
 * they are read and written by. docs/openapi.json is its committed copy.
 */
import { z } from "zod";
import { analyzerRoutes } from "../../analyzer/routes/described.ts";
import { collectorRoutes } from "../../collector/described.ts";
import { OnboardingDocument } from "../../contract/onboarding-document.ts";
import { retrainerRoutes } from "../../retrainer/http/described.ts";
import type { DescribedRoute } from "../../runtime/described-route.ts";
import { version } from "../version.ts";
import { ownRoutes } from "./own-routes.ts";

type Json = Record<string, unknown>;

export const allRoutes: readonly DescribedRoute[] = [
  ...analyzerRoutes,
  ...retrainerRoutes,
  ...collectorRoutes,
  ...ownRoutes,
];

const TAGS = {
  models: "Models and their onboarding documents",
  analysis: "Drift, performance, quality and operations",
  alerts: "Alerts, quarantine and changes",
  retraining: "Checks, runs, versions, the loop and the audit",
  storage: "Tables and dead letters",
  system: "Processes, tokens, health",
} as const;

export function apiDocument(routes: readonly DescribedRoute[] = allRoutes): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Driftmend",
      version: version(),
      summary: "Watches machine-learning models while they serve, and mends them",
      description:
        "Times are RFC 3339 UTC. Predictions and labels have another door: the agent (docs/capture.md). Reading and acting have tokens of their own.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer" } },
      schemas: {
        OnboardingDocument: jsonSchema(OnboardingDocument, "input"),
        Problem: PROBLEM,
      },
    },
  };
}

/** RFC 9457, with the code that docs/errors.md explains and what to do next. */
const PROBLEM = {
  type: "object",
  required: ["type", "title", "status", "detail", "code", "next"],
  properties: {
    type: { type: "string", description: "docs/errors.md#<code>" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    code: { type: "string", description: "A heading of docs/errors.md" },
    next: { type: ["string", "null"], description: "What to do about it" },
  },
} as const;

function operation(route: DescribedRoute): Json {
  const { method, path, access, tag, summary, params, query, body, answers } = route;
  const parameters = [...parametersOf(params, "path"), ...parametersOf(query, "query")];
  const errors = errorsOf(route).filter((status) => !(status in answers));
  return {
    operationId: `${method.toLowerCase()}${path.replaceAll(/[^A-Za-z0-9]+(\w?)/g, (_, letter: string) => letter.toUpperCase())}`,
    tags: [tag],
    summary,
    ...(access === "open" ? { security: [] } : { security: [{ bearer: [] }] }),
    ...(access === "act" ? { description: "Needs a token that may act." } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: route.bodyOptional !== true,
            content: { "application/json": { schema: schemaOf(body, "input") } },
          },
        }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, schema]) => [
          status,
          {
            description: DESCRIPTIONS[status] ?? "The answer",
            content: { "application/json": { schema: schemaOf(schema, "output") } },
          },
        ]),
      ),
      ...Object.fromEntries(errors.map((status) => [status, problem(status)])),
    },
  };
}

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  200: "The answer",
  201: "It was made",
  202: "It was taken on",
  400: "The request cannot be read, or says what cannot be",
  401: "No valid token was sent",
  403: "The token may only read",
  404: "There is no such thing",
  409: "It does not fit the present state",
  412: "The gate is not well",
  413: "The body is too large",
  415: "The body is no JSON",
  429: "Too many requests; Retry-After says when to come again",
  500: "A fault of ours, which the log tells",
  503: "A service that is needed does not answer at the moment",
};

function errorsOf({ access, method, params, query, body }: DescribedRoute): number[] {
  const reads = params !== undefined || query !== undefined || body !== undefined;
  return [
    ...(reads ? [400] : []),
    ...(access === "open" ? [] : [401, 429]),
    ...(access === "act" ? [403] : []),
    ...(params === undefined ? [] : [404]),
    ...(method === "GET" ? [] : [409]),
    ...(body === undefined ? [] : [413, 415]),
    ...[500, 503],
  ].sort((a, b) => a - b);
}

function problem(status: number): Json {
  return {
    description: DESCRIPTIONS[status] ?? "A problem",
    content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
  };
}

function parametersOf(schema: z.ZodObject | undefined, where: "path" | "query"): Json[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = jsonSchema(schema, "input") as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: where,
    required: where === "path" || required.includes(name),
    schema: property,
  }));
}

function schemaOf(schema: z.ZodType, io: "input" | "output"): Json {
  return schema === OnboardingDocument
    ? { $ref: "#/components/schemas/OnboardingDocument" }
    : jsonSchema(schema, io);
}

function jsonSchema(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: "any",
    // The format says it; the pattern is longer than the schema around it.
    override: ({ jsonSchema: made }) => {
      if (made.format === "date-time") delete made.pattern;
      // Answers may grow: who reads them must not break on a field that is new.
      if (io === "output" && made.additionalProperties === false) delete made.additionalProperties;
    },
  });
  return rest;
}
