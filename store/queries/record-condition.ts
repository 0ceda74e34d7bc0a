/**
 * A condition on recorded predictions as SQL over `predictions`. Texts and names stand in it as hexadecimal digits:
 * nothing in them can end a literal or look like a placeholder. What a record does not have is NULL, and
 * what is neither true nor false does not count, as in SQL.
 */
import type { RecordCondition, RecordName } from "../../contract/record-condition.ts";

/** 1 where it holds, else 0. */
export const conditionSql = (condition: RecordCondition): string =>
  `ifNull(${sqlOf(condition)}, 0)`;

function sqlOf(condition: RecordCondition): string {
  switch (condition.kind) {
    case "all":
      return `(${condition.of.map(sqlOf).join(" AND ")})`;
    case "any":
      return `(${condition.of.map(sqlOf).join(" OR ")})`;
    case "not":
      return `(NOT ${sqlOf(condition.of)})`;
    case "missing":
      return `(${textOf(condition.name)} IS NULL)`;
    case "compare":
      return `(${valueOf(condition.name, condition.to)} ${condition.by} ${literal(condition.to)})`;
    case "one-of":
      return `(${valueOf(condition.name, condition.values[0] ?? "")} IN (${condition.values.map(literal).join(", ")}))`;
  }
}

const valueOf = (name: RecordName, to: string | number): string =>
  typeof to === "number" ? numberOf(name) : textOf(name);

/** A tag or category is a number too where it reads like one: a code that somebody declared categorical. */
function numberOf({ place, name }: RecordName): string {
  const key = literal(name);
  const number = `if(mapContains(num, ${key}), num[${key}], NULL)`;
  const parsed = (map: string): string =>
    `if(mapContains(${map}, ${key}), toFloat64OrNull(toString(${map}[${key}])), NULL)`;
  switch (place) {
    case "record":
      return `if(isFinite(${name}), toFloat64(${name}), NULL)`;
    case "feature":
      return `coalesce(${number}, ${parsed("cat")})`;
    case "tag":
      return parsed("tags");
    case "any":
      return `coalesce(${number}, ${parsed("cat")}, ${parsed("tags")})`;
  }
}

function textOf({ place, name }: RecordName): string {
  const key = literal(name);
  const of = (map: string): string =>
    `if(mapContains(${map}, ${key}), toString(${map}[${key}]), NULL)`;
  switch (place) {
    case "record":
      return name === "version" || name === "label"
        ? `nullIf(toString(${name}), '')`
        : `if(isFinite(${name}), toString(${name}), NULL)`;
    case "feature":
      return `coalesce(${of("cat")}, ${of("num")})`;
    case "tag":
      return of("tags");
    case "any":
      return `coalesce(${of("tags")}, ${of("cat")}, ${of("num")})`;
  }
}

function literal(value: string | number): string {
  if (typeof value === "number") return `toFloat64(${value})`;
  return `unhex('${Buffer.from(value, "utf8").toString("hex")}')`;
}
