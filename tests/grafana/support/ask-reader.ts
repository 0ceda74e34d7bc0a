/** Asks the embedded endpoint as Grafana's reader does, over HTTP, and reads the answer as a frame. */
import { z } from "zod";

export interface Reader {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

export interface Frame {
  readonly names: readonly string[];
  readonly types: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

const Line = z.array(z.unknown());

/** @throws {Error} with the server's words */
export async function askReader(reader: Reader, sql: string): Promise<Frame> {
  const url = new URL(reader.url);
  url.searchParams.set("database", reader.database);
  url.searchParams.set("default_format", "JSONCompactEachRowWithNamesAndTypes");
  url.searchParams.set("max_execution_time", "65");
  const basic = Buffer.from(`${reader.user}:${reader.password}`).toString("base64");
  const answer = await fetch(url, {
    method: "POST",
    body: sql,
    headers: { Authorization: `Basic ${basic}` },
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${text.trim()}\n${sql}`);
  const [names = [], types = [], ...rows] = text
    .trimEnd()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => Line.parse(JSON.parse(line)));
  return { names: names.map(String), types: types.map(String), rows };
}

/** The values of one column. */
export function column(frame: Frame, name: string): unknown[] {
  const at = frame.names.indexOf(name);
  if (at < 0) throw new Error(`There is no column "${name}": ${frame.names.join(", ")}`);
  return frame.rows.map((row) => row[at]);
}

/** Moments of a column of times, which come as UTC text. */
export const moments = (frame: Frame, name: string): number[] =>
  column(frame, name).map((text) => Date.parse(`${String(text).replace(" ", "T")}Z`));

export const numbers = (frame: Frame, name: string): number[] => column(frame, name).map(Number);
