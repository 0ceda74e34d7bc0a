/** A proposed onboarding document as YAML for a person to finish: each guess with its reason beside it. */
import { Document, isMap, isScalar, isSeq } from "yaml";
import { z } from "zod";

export const Proposal = z.object({
  model: z.string(),
  seen: z.object({
    rows: z.number(),
    from: z.string(),
    to: z.string(),
    rowsPerDay: z.number(),
  }),
  document: z.record(z.string(), z.unknown()),
  notes: z.array(z.object({ path: z.array(z.string()), text: z.string() })),
});
export type Proposal = z.output<typeof Proposal>;

const MORE = `
What only a person knows, for you to fill in or delete (docs/onboarding.md explains every key):
match: { resource: { service.name: my-server } }   # which servers are this model's, when they do not send its name
reference: { training_set: /data/train.parquet }   # what windows are compared with; else the first 14 whole days
labels: { censored: "decision = 'blocked'" }       # rows whose outcome is never seen
alerts: { webhook: https://hooks.example/ml }      # where alerts go
retrain: { mode: propose, when: [{ probe: { every: 1w, gain: 0.005 } }] }`;

export function proposalText(proposal: Proposal): string {
  const { model, seen, document, notes } = proposal;
  const yaml = new Document(document);
  yaml.commentBefore = ` Onboarding document of "${model}", proposed from ${seen.rows} predictions between ${seen.from} and ${seen.to}.
 Read every line, then: driftmend model apply -f <this file> --dry-run`;
  flowBelow(yaml, ["metadata"]);
  flowBelow(yaml, ["task"]);
  for (const name of Object.keys(
    z.record(z.string(), z.unknown()).catch({}).parse(document["features"]),
  )) {
    flowBelow(yaml, ["features", name]);
  }
  for (const key of ["segments", "quality"]) flowBelow(yaml, [key]);
  for (const { path, text } of notes) {
    const node = yaml.getIn(path, true);
    if (isScalar(node) || isMap(node) || isSeq(node)) node.comment = ` ${text}`;
  }
  yaml.comment = MORE.split("\n")
    .map((line) => (line === "" ? "" : ` ${line}`))
    .join("\n");
  return yaml.toString({ lineWidth: 0, flowCollectionPadding: true });
}

/** One line instead of a block: what belongs together stands together. */
function flowBelow(yaml: Document, path: readonly string[]): void {
  const node = yaml.getIn(path, true);
  if (isMap(node) || isSeq(node)) node.flow = true;
}
