/** The commands that move, remove and shape what is stored. */
import { Argument, type Command, Option } from "commander";
import { type Add, span } from "./define-command.ts";

const AFTER_ARCHIVE = `
  driftmend archive --older-than 60d --to archive --dry-run   which partitions, and what could be dropped
  driftmend archive --older-than 60d --to archive             Parquet files and manifest.json; run it again to go on
  driftmend archive --older-than 60d --to archive --drop      and out of the database, once read back and compared
  driftmend archive --model flights --before 2026-03-01 --to flights-archive

Where DRIFTMEND_CLICKHOUSE_URL (and _USER, _PASSWORD, _DATABASE) is set it names the server; else the running system of
this machine is found. docs/data-care.md says what is promised.`;

const AFTER_RESTORE = `
  driftmend restore archive --dry-run                         check digests, count what is missing
  driftmend restore archive --table predictions --partition 2026-03-01

Run twice it changes nothing. Rows that retention would delete again are refused, with the days they need.`;

const AFTER_ERASE = `
  driftmend erase --model flights --prediction 7f3e --dry-run
  driftmend erase --model flights --prediction 7f3e --reason "request of 3 March" --yes
  driftmend erase --model churn --subject 'tag[customer]=42' --yes
  driftmend erase --archive archive --yes      without what was erased since it was written

It waits for rows on their way, and says which data sets, archives and names keep what. docs/data-care.md has the limits.`;

const AFTER_MIGRATE = `
  driftmend migrate --replicated
  driftmend migrate --replicated --retention predictions=180 labels=730
  driftmend migrate --replicated --storage-policy tiered --cold-volume cold --cold predictions=30 outcomes=90

What is not given is the default: give the same options each time. Tables: predictions, labels, outcomes, minutes, hours,
dead_letters, groups.`;

const table = new Option("--table <table>", "this table only").choices([
  "predictions",
  "labels",
  "outcomes",
  "dead_letters",
]);
const dryRun = new Option("--dry-run", "say what would be done");
const by = new Option("--by <who>", "who does");

export function addDataCare(program: Command, add: Add): void {
  add(program, {
    name: "archive",
    description: "old partitions as Parquet files with a manifest",
    options: [
      table,
      new Option("--model <model>", "rows of this model only"),
      new Option("--before <time>", "partitions that end before: 2026-03-01 or RFC 3339"),
      new Option("--older-than <span>", "partitions that ended so long ago: 60d, 26w").argParser(
        span,
      ),
      new Option("--to <folder>", "where: a folder, new or of an archive").makeOptionMandatory(),
      new Option("--drop", "remove them from the database once they were read back"),
      dryRun,
      by,
    ],
  }).addHelpText("after", AFTER_ARCHIVE);
  add(program, {
    name: "restore",
    description: "put back what an archive holds and the database does not",
    args: [new Argument("<folder>", "of the archive")],
    options: [table, new Option("--partition <partition>", "as the archive names it"), dryRun, by],
  }).addHelpText("after", AFTER_RESTORE);
  add(program, {
    name: "erase",
    description: "remove one prediction, or all rows of one subject",
    options: [
      new Option("--model <model>", "whose rows"),
      new Option("--prediction <id>", "id of the prediction"),
      new Option("--subject <subject>", "tag[name]=value or feature[name]=value"),
      new Option("--archive <folder>", "rewrite an archive without what was erased"),
      new Option("--reason <text>", "why, for the audit log; no names"),
      dryRun,
      new Option("--yes", "do it: without, it is counted only"),
      by,
    ],
  }).addHelpText("after", AFTER_ERASE);
  add(program, {
    name: "migrate",
    description: "bring the tables of a ClickHouse server to this version",
    remote: false,
    options: [
      new Option(
        "--cluster <name>",
        "cluster of ClickHouse's configuration; tables are replicated",
      ),
      new Option("--replicated", "ReplicatedMergeTree on a single server"),
      new Option(
        "--retention <table=days...>",
        "how long tables keep rows, where it is not the default",
      ),
      new Option("--cold <table=days...>", "after how many days rows move to the cold volume"),
      new Option("--cold-volume <name>", "of the storage policy (default: DRIFTMEND_COLD_VOLUME)"),
      new Option(
        "--storage-policy <name>",
        "of ClickHouse's configuration (default: DRIFTMEND_STORAGE_POLICY)",
      ),
    ],
  }).addHelpText("after", AFTER_MIGRATE);
}
