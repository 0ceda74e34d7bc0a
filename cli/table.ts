/** Tables and key–value lists as text: aligned, cut to the terminal, empty ones said. */
import { stripVTControlCharacters } from "node:util";
import type { Paint } from "./paint.ts";

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly align?: "right";
}

export interface TableStyle {
  readonly paint: Paint;
  /** Width of the terminal, infinite where there is none; the last column gives way. */
  readonly columns: number;
}

const GAP = "  ";

/** One line per row under a line of titles; the last column is cut where the terminal ends. */
export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  style: TableStyle,
): string[] {
  const cells = rows.map((row) => columns.map((column) => column.value(row)));
  const titles = columns.map((column) => column.title);
  const widths = titles.map((title, index) =>
    Math.max(title.length, ...cells.map((line) => widthOf(line[index] ?? ""))),
  );
  const render = (line: readonly string[]): string =>
    line
      .map((cell, index) => {
        const last = index === line.length - 1;
        const width = widths[index] ?? 0;
        const padding = " ".repeat(Math.max(0, width - widthOf(cell)));
        if (columns[index]?.align === "right") return padding + cell;
        return last ? cutTo(cell, style.columns - before(widths, index)) : cell + padding;
      })
      .join(GAP)
      .trimEnd();
  return [style.paint("dim", render(titles)), ...cells.map(render)];
}

function before(widths: readonly number[], index: number): number {
  return widths.slice(0, index).reduce((sum, width) => sum + width + GAP.length, 0);
}

const widthOf = (text: string): number => stripVTControlCharacters(text).length;

function cutTo(text: string, width: number): string {
  if (widthOf(text) <= width || width < 20) return text;
  return `${stripVTControlCharacters(text).slice(0, width - 1)}…`;
}

/** "name   value" lines; a long value goes on below itself. */
export function renderPairs(
  pairs: readonly (readonly [string, string])[],
  style: TableStyle,
): string[] {
  const width = Math.max(0, ...pairs.map(([name]) => name.length));
  return pairs.flatMap(([name, value]) =>
    wrapText(
      `${style.paint("dim", name.padEnd(width))}${GAP}${value}`,
      style.columns,
      width + GAP.length,
    ),
  );
}

/** Room for words beside the indent, below which breaking lines helps nobody. */
const WRAP_ROOM_MIN = 30;

/** Lines of at most `columns` visible characters, broken between words; what goes on is indented. */
export function wrapText(text: string, columns: number, indent: number): string[] {
  if (columns - indent < WRAP_ROOM_MIN || widthOf(text) <= columns) return [text];
  const lines: string[] = [];
  let line = "";
  let isEmpty = true;
  for (const word of text.split(" ")) {
    const longer = isEmpty ? line + word : `${line} ${word}`;
    if (isEmpty || widthOf(longer) <= columns) line = longer;
    else {
      lines.push(line);
      line = " ".repeat(indent) + word;
    }
    isEmpty = false;
  }
  return [...lines, line];
}
