/** Where the body of an HTTP/1.1 message ends (RFC 9112, 6 and 7), read piece by piece as it passes. */

export type Framing =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "chunked" }
  /** An answer that ends with its connection. */
  | { readonly kind: "until-close" };

const LF = 0x0a;
const SIZE = /^([0-9a-fA-F]{1,12})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r$/;
/** Of a chunk's size with its extensions, and of a trailer. */
const LINE_BYTES_MAX = 16 * 1024;

/** What comes next of a body in chunks. */
type Expected = "size" | "data" | "end of data" | "trailer";

export class MessageBody {
  private readonly framing: Framing;
  /** Of the length, or of the chunk. */
  private left: number;
  private expected: Expected = "size";
  private line = "";
  isOver: boolean;

  constructor(framing: Framing) {
    this.framing = framing;
    this.left = framing.kind === "length" ? framing.bytes : 0;
    this.isOver = framing.kind === "none";
  }

  get endsWithConnection(): boolean {
    return this.framing.kind === "until-close";
  }

  /**
   * Reads on; answers where it stopped: at the body's end, or at that of the bytes; null where they are no such body.
   * @param onContent what the message carries, without its framing
   */
  read(bytes: Buffer, from: number, onContent: (content: Buffer) => void): number | null {
    if (this.framing.kind === "chunked") return this.readChunks(bytes, from, onContent);
    const end =
      this.framing.kind === "length" ? Math.min(bytes.length, from + this.left) : bytes.length;
    if (end > from) onContent(bytes.subarray(from, end));
    this.left -= end - from;
    if (this.framing.kind === "length" && this.left === 0) this.isOver = true;
    return end;
  }

  private readChunks(
    bytes: Buffer,
    from: number,
    onContent: (content: Buffer) => void,
  ): number | null {
    let at = from;
    while (at < bytes.length && !this.isOver) {
      if (this.expected === "data") {
        const end = Math.min(bytes.length, at + this.left);
        onContent(bytes.subarray(at, end));
        this.left -= end - at;
        at = end;
        if (this.left === 0) this.expected = "end of data";
        continue;
      }
      const lineEnd = bytes.indexOf(LF, at);
      const end = lineEnd === -1 ? bytes.length : lineEnd;
      this.line += bytes.toString("latin1", at, end);
      if (this.line.length > LINE_BYTES_MAX) return null;
      if (lineEnd === -1) return bytes.length;
      if (!this.takeLine(this.line)) return null;
      this.line = "";
      at = end + 1;
    }
    return at;
  }

  /** False for what cannot stand here. */
  private takeLine(line: string): boolean {
    if (this.expected === "size") {
      const size = SIZE.exec(line)?.[1];
      if (size === undefined) return false;
      this.left = Number.parseInt(size, 16);
      this.expected = this.left === 0 ? "trailer" : "data";
      return true;
    }
    if (this.expected === "trailer") {
      this.isOver = line === "\r";
      return line.endsWith("\r");
    }
    this.expected = "size";
    return line === "\r";
  }
}
