/** Files are unpacked by the engine into a table of the command's own, where they are compared and restored from. */
import { join } from "node:path";
import type { Store } from "../../store/client.ts";
import {
  type ArchivedTable,
  type Column,
  type Content,
  stagingTable,
} from "../../store/queries/archive.ts";

export interface Unpacked extends Content {
  readonly first: number;
  readonly last: number;
}

/**
 * Unpacks a file, lets `work` look at the table that then holds its rows, and drops the table.
 * @param process tells this command's tables from those of another that runs at the same time
 */
export async function withUnpacked<T>(
  request: {
    readonly store: Store;
    readonly table: ArchivedTable;
    readonly columns: readonly Column[];
    readonly folder: string;
    readonly path: string;
    readonly process: string;
  },
  work: (name: string, content: Unpacked) => Promise<T>,
): Promise<T> {
  const { store, table, columns, folder, path } = request;
  const name = `unpacked_${table}_${request.process}`;
  const staging = stagingTable(table, name);
  // One that a kill has left behind.
  await store.command(staging.drop, {});
  await store.command(staging.create, {});
  try {
    await store.insertFile(staging.upload(columns), join(folder, path));
    const [content] = await store.query(staging.content(columns), {});
    if (content === undefined) throw new TypeError("an aggregate has one row");
    return await work(name, content);
  } finally {
    await store.command(staging.drop, {});
  }
}
