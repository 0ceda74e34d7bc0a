/** docs/configuration.md: the settings of every service from their one schema. */
import { z } from "zod";

export interface ServiceSettings {
  readonly service: string;
  readonly about: string;
  readonly schema: z.ZodObject;
}

const Property = z.looseObject({
  default: z.unknown().optional(),
  description: z.string().optional(),
  enum: z.array(z.string()).optional(),
});
const Described = z.looseObject({
  properties: z.record(z.string(), Property),
  required: z.array(z.string()).optional(),
});

export function configurationPage(services: readonly ServiceSettings[]): string {
  return `${[
    "# Configuration",
    "Generated from the schemas of the services by `npm run docs`; edit them there. Each service reads environment variables; `DRIFTMEND_CONFIG` may name a YAML file with the same names (`DRIFTMEND_` may be left out, case does not matter), which variables beat. All mistakes are reported at once. `driftmend up` sets what its children need; `--config` takes a YAML file with a section per service.",
    ...services.map(section),
  ].join("\n\n")}\n`;
}

function section({ service, about, schema }: ServiceSettings): string {
  const json = Described.parse(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }));
  const rows = Object.entries(json.properties).map(([name, property]) => {
    const required = json.required?.includes(name) === true;
    return `| \`${name}\` | ${defaultOf(property, required)} | ${textOf(property)} |`;
  });
  return [
    `## ${service}`,
    "",
    about,
    "",
    "| variable | default | |",
    "| --- | --- | --- |",
    ...rows,
  ].join("\n");
}

function defaultOf(property: z.infer<typeof Property>, required: boolean): string {
  if (required) return "required";
  return property.default === undefined ? "–" : `\`${String(property.default)}\``;
}

function textOf(property: z.infer<typeof Property>): string {
  const choices = property.enum === undefined ? "" : ` (${property.enum.join(", ")})`;
  return `${property.description ?? ""}${choices}`.replaceAll("|", "\\|");
}

/** Settings without a sentence of their own. */
export function undescribed({ service, schema }: ServiceSettings): string[] {
  return Object.entries(schema.shape)
    .filter(([, field]) => z.globalRegistry.get(field as z.ZodType)?.description === undefined)
    .map(([name]) => `${service}: ${name} has no description`);
}
