/**
 * Asks the engine for a reader's statement as it understands it, and judges that
 * (vet-statement.ts).
 */
import type { EndpointContext } from "./endpoint-context.ts";
import { collect } from "./engine-pool.ts";
import { quoteString } from "./quote-sql.ts";
import { vetStatement } from "./vet-statement.ts";

/**
 * @param before the session's prologue: parameters are part of the tree
 * @returns the statement to run instead of `text`
 * @throws {EngineException} SYNTAX_ERROR, ACCESS_DENIED
 */
export async function vetForReader(
  text: string,
  before: string,
  gone: AbortSignal,
  context: EndpointContext,
): Promise<string> {
  const ask = async (sql: string): Promise<string> => {
    const job = { before, sql, format: "TSVRaw", mode: "whole", session: undefined } as const;
    const run = context.pool.run("control", job, { signal: gone, killTag: "" });
    return (await collect(run)).bytes.toString("utf8").trimEnd();
  };
  // A function of a string: whatever the text holds, it is parsed as one statement and not run.
  const canonical = await ask(`SELECT formatQuery(${quoteString(text)})`);
  const tree = await ask(`EXPLAIN AST ${canonical}`);
  const verdict = vetStatement(tree, canonical, context.facts.tableFunctions);
  if (verdict.kind === "refused") throw verdict.error;
  return canonical;
}
