/**
 * What Grafana and the plugin's browser part make of a statement before it is sent: `$__conditionalAll`, then
 * variables by their formats. Written from the documented behaviour of Grafana 11 and plugin 4.8.2.
 */

/** A chosen value; several, or "$__all" with all options that there are. */
export type Choice =
  | { readonly kind: "one"; readonly value: string }
  | { readonly kind: "several"; readonly values: readonly string[] }
  | { readonly kind: "all"; readonly options: readonly string[] };

export type Choices = Readonly<Record<string, Choice>>;

const CONDITIONAL_ALL = "$__conditionalAll(";

/** `$__conditionalAll(condition, $name)` holds always where all values of the variable, or none, are chosen. */
function expandConditionalAll(sql: string, choices: Choices): string {
  let text = sql;
  for (
    let at = text.lastIndexOf(CONDITIONAL_ALL);
    at >= 0;
    at = text.lastIndexOf(CONDITIONAL_ALL)
  ) {
    const { parts, end } = argumentsFrom(text, at + CONDITIONAL_ALL.length);
    const [condition = "", variable = ""] = parts;
    if (parts.length !== 2) throw new Error(`$__conditionalAll wants two arguments: ${text}`);
    const name = /\$\{?(\w+)/.exec(variable)?.[1] ?? "";
    const choice = choices[name];
    if (choice === undefined) throw new Error(`$__conditionalAll names no variable: ${variable}`);
    const holdsAlways = choice.kind === "all" || (choice.kind === "one" && choice.value === "");
    text = text.slice(0, at) + (holdsAlways ? "1=1" : condition) + text.slice(end);
  }
  return text;
}

function argumentsFrom(text: string, from: number): { parts: string[]; end: number } {
  const parts: string[] = [];
  let depth = 0;
  let start = from;
  for (let i = from; i < text.length; i++) {
    const char = text.charAt(i);
    if (char === "(") depth += 1;
    if (char === ")" && depth === 0) return { parts: [...parts, text.slice(start, i)], end: i + 1 };
    if (char === ")") depth -= 1;
    if (char === "," && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  throw new Error(`An argument list does not end: ${text.slice(from)}`);
}

const valuesOf = (choice: Choice): readonly string[] => {
  switch (choice.kind) {
    case "one":
      return [choice.value];
    case "several":
      return choice.values;
    case "all":
      return choice.options;
  }
};

/** As Grafana's format `sqlstring` does: quoted, quotes doubled, several by commas. */
const sqlString = (choice: Choice): string =>
  valuesOf(choice)
    .map((value) => `'${value.replaceAll("'", "''")}'`)
    .join(",");

/** As the plugin formats what names no format: one value as it is, several quoted. */
const plain = (choice: Choice): string =>
  choice.kind === "one" ? choice.value : `'${valuesOf(choice).join("','")}'`;

const VARIABLE = /\$(\w+)|\$\{(\w+)(?::(\w+))?\}/g;

/** Names that Grafana itself knows, or the plugin's macros; all else that looks like a variable is text. */
export function variablesIn(text: string): string[] {
  return [...text.matchAll(VARIABLE)]
    .map(([, bare, braced]) => bare ?? braced ?? "")
    .filter((name) => !name.startsWith("__"));
}

export function expandVariables(sql: string, choices: Choices): string {
  return expandConditionalAll(sql, choices).replaceAll(
    VARIABLE,
    (whole: string, bare?: string, braced?: string, format?: string) => {
      const choice = choices[bare ?? braced ?? ""];
      if (choice === undefined) return whole;
      if (format === undefined) return plain(choice);
      if (format === "sqlstring") return sqlString(choice);
      throw new Error(`No statement should use the format "${format}"`);
    },
  );
}
