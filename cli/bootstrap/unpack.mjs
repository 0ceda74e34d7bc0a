/** One file out of a tar.gz or a zip archive: no tool for it need be installed. */
import { gunzipSync, inflateRawSync } from "node:zlib";

const TAR_BLOCK_BYTES = 512;

/**
 * The content of the regular file whose path ends in `suffix`; undefined where there is none.
 * @param {Buffer} archive gzipped POSIX tar
 * @param {string} suffix
 */
export function fileOfTarGz(archive, suffix) {
  const tar = gunzipSync(archive);
  for (let at = 0; at + TAR_BLOCK_BYTES <= tar.length; ) {
    const name = text(tar, at, 100);
    if (name === "") return undefined;
    const size = Number.parseInt(text(tar, at + 124, 12).trim(), 8);
    const start = at + TAR_BLOCK_BYTES;
    if (text(tar, at + 156, 1).replace("0", "") === "" && name.endsWith(suffix)) {
      return tar.subarray(start, start + size);
    }
    at = start + Math.ceil(size / TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES;
  }
  return undefined;
}

/** @param {Buffer} buffer */
function text(buffer, from, length) {
  const end = buffer.indexOf(0, from);
  return buffer.toString("latin1", from, end === -1 ? from + length : Math.min(end, from + length));
}

/**
 * The same out of a zip archive, by its central directory.
 * @param {Buffer} archive
 * @param {string} suffix
 */
export function fileOfZip(archive, suffix) {
  const end = archive.lastIndexOf(Buffer.from("PK\x05\x06", "latin1"));
  if (end === -1) return undefined;
  let at = archive.readUInt32LE(end + 16);
  for (let left = archive.readUInt16LE(end + 10); left > 0; left -= 1) {
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((o) =>
      archive.readUInt16LE(at + o),
    );
    const name = archive.toString("utf8", at + 46, at + 46 + nameBytes);
    if (name.endsWith(suffix)) {
      const method = archive.readUInt16LE(at + 10);
      const packedBytes = archive.readUInt32LE(at + 20);
      const local = archive.readUInt32LE(at + 42);
      const start =
        local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
      const packed = archive.subarray(start, start + packedBytes);
      return method === 0 ? packed : inflateRawSync(packed);
    }
    at += 46 + nameBytes + extraBytes + commentBytes;
  }
  return undefined;
}
