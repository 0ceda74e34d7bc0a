/** The versions that the server holds in memory: loaded once each, released when no pointer names them. */
import { join } from "node:path";
import { InferenceSession } from "onnxruntime-node";
import { type Pointer, readPointer, versionOf } from "./pointer.ts";

export interface Versions {
  /** Reads the pointer file and loads what it names; on any failure the old state stays. */
  reload(): Promise<Pointer>;
  /** The version and session for a request id, or for a version asked for by name. */
  pick(id: string): { version: string; session: InferenceSession };
  session(version: string): InferenceSession | undefined;
  loaded(): readonly string[];
}

/** `folder` is `<repository>/<model>`: `serving.json` and one folder per version with `model.onnx`. */
export async function openVersions(folder: string): Promise<Versions> {
  const sessions = new Map<string, InferenceSession>();
  let pointer: Pointer | undefined;

  const reload = async (): Promise<Pointer> => {
    const next = await readPointer(join(folder, "serving.json"));
    for (const { version } of next.versions) {
      if (!sessions.has(version)) {
        sessions.set(
          version,
          await InferenceSession.create(join(folder, version, "model.onnx"), {
            executionProviders: ["cpu"],
            intraOpNumThreads: 1,
            interOpNumThreads: 1,
          }),
        );
      }
    }
    pointer = next;
    const named = new Set(next.versions.map(({ version }) => version));
    for (const [version, session] of sessions) {
      if (named.has(version)) continue;
      sessions.delete(version);
      await session.release();
    }
    return next;
  };
  await reload();

  return {
    reload,
    pick: (id) => {
      const version = pointer === undefined ? "" : versionOf(pointer, id);
      const session = sessions.get(version);
      if (session === undefined) throw new Error(`Version "${version}" is not loaded`);
      return { version, session };
    },
    session: (version) => sessions.get(version),
    loaded: () => [...sessions.keys()],
  };
}
