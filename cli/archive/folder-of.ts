/** Where an archive lies: a folder of this machine, named by its path or a file: URL. */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { DriftmendError } from "../../contract/driftmend-error.ts";

/** @throws {DriftmendError} usage for what is no folder */
export function folderOf(place: string): string {
  if (place.startsWith("file://")) return fileURLToPath(place);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(place)?.[1];
  if (scheme === undefined) return resolve(place);
  throw new DriftmendError("usage", {
    retry: "never",
    message: `Cannot use "${place}" as an archive is a folder of this machine: "${scheme}:" is none`,
    next: "Archive into a folder and copy it: manifest.json last, so that what is there is whole (aws s3 sync, rclone copy).",
  });
}
