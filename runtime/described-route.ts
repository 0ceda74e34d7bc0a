/**
 * A route as its callers must know it: the schemas by which its handler reads a request, and those of its
 * answers. The API's description is made of these; tests compare them with the routes that exist.
 */
import type { z } from "zod";
import type { Access } from "./access.ts";

export interface DescribedRoute {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** As Fastify takes it: "/api/v1/models/:model". */
  readonly path: string;
  readonly access: Access;
  readonly tag: string;
  readonly summary: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** True where the body may be left out. */
  readonly bodyOptional?: boolean;
  /** By status; errors are the same everywhere. */
  readonly answers: Readonly<Record<number, z.ZodType>>;
}
