/** Routes that the gateway itself answers, and those that every service has. */
import { z } from "zod";
import { AccessView } from "../../contract/views.ts";
import type { DescribedRoute } from "../../runtime/described-route.ts";
import { OfToken, TokenBody } from "../up/token-routes.ts";
import { SERVICES } from "../up/upstream-of.ts";

const text = z.string();
const entry = z.looseObject;
const at = z.iso.datetime();
const TokenFields = {
  name: text,
  access: z.enum(["read", "act"]),
  created: at,
  by: text,
  revoked: at.nullable(),
};

export const ownRoutes: readonly DescribedRoute[] = [
  {
    ...{ method: "GET", path: "/api/v1/self", access: "read", tag: "system" },
    summary: "The processes of this system",
    answers: {
      200: entry({ service: text, processes: z.array(entry({ name: text, kind: text })) }),
    },
  },
  {
    ...{ method: "GET", path: "/api/v1/self/:service", access: "read", tag: "system" },
    summary: "What a service says of itself",
    params: z.object({ service: z.enum(SERVICES) }),
    answers: { 200: entry({ service: text }) },
  },
  {
    ...{ method: "GET", path: "/api/v1/access", access: "read", tag: "system" },
    summary: "What the caller's token allows",
    answers: { 200: AccessView },
  },
  {
    ...{ method: "GET", path: "/api/v1/tokens", access: "act", tag: "system" },
    summary: "Named tokens, without their secrets",
    answers: { 200: entry({ tokens: z.array(entry(TokenFields)) }) },
  },
  {
    ...{ method: "POST", path: "/api/v1/tokens", access: "act", tag: "system" },
    summary: "Make a named token; the answer alone has its secret",
    body: TokenBody,
    answers: { 201: entry({ ...TokenFields, token: text }) },
  },
  {
    ...{ method: "DELETE", path: "/api/v1/tokens/:name", access: "act", tag: "system" },
    summary: "Revoke a named token",
    params: OfToken,
    answers: { 200: entry(TokenFields) },
  },
  {
    ...{ method: "GET", path: "/api/openapi.json", access: "open", tag: "system" },
    summary: "This description",
    answers: { 200: entry({ openapi: text }) },
  },
  {
    ...{ method: "GET", path: "/healthz", access: "open", tag: "system" },
    summary: "The process lives",
    answers: { 200: entry({ status: z.literal("ok") }) },
  },
  {
    ...{ method: "GET", path: "/readyz", access: "open", tag: "system" },
    summary: "Every service can work; 503 with the reason where one cannot",
    answers: {
      200: entry({ status: z.literal("ready") }),
      503: entry({ status: z.literal("not ready"), reason: text }),
    },
  },
];
