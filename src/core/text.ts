// Decodes text. Text files must be UTF-8; other encodings are refused, not decoded with replacement characters.
import { isUtf8 } from "node:buffer";
import { readFile } from "node:fs/promises";
import { UserError } from "./errors.ts";
import { describeFileError } from "./files.ts";

/** Number of leading bytes that are searched for zeros: UTF-16 has many. */
const beginning = 4096;

/**
 * Decodes a file's bytes, or the bytes of its line `line`, and removes a byte order mark. Throws {@link UserError}
 * where they are not UTF-8; it names the file and says how to convert it.
 */
export function decodeText(bytes: Uint8Array, path: string, line?: number): string {
  const wide = (line ?? 1) === 1 ? wideEncodingOf(bytes) : undefined;
  if (wide)
    throw new UserError(
      `${path} is ${wide} text, but layerwise reads UTF-8. Convert it, for example with iconv -f ${wide} -t UTF-8, and use the copy.`,
    );
  if (!isUtf8(bytes))
    throw new UserError(
      `${path} is not UTF-8 text: line ${line ?? findWrongLine(bytes)} has bytes in another encoding. Convert it, for example with iconv -f WINDOWS-1252 -t UTF-8 for text from Windows or in Latin-1, and use the copy.`,
    );
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .toString("utf8")
    .replace(/^\uFEFF/, "");
}

/** Reads and decodes a text file: see {@link decodeText}. */
export async function readText(path: string): Promise<string> {
  try {
    return decodeText(await readFile(path), path);
  } catch (error) {
    throw describeFileError(error, path, "read");
  }
}

/** Detects UTF-16 or UTF-32 by the byte order mark or by many zeros at even or odd positions; undefined for others. */
function wideEncodingOf(bytes: Uint8Array): string | undefined {
  const begins = (...mark: number[]) => mark.every((byte, i) => bytes[i] === byte);
  if (begins(0xff, 0xfe, 0, 0) || begins(0, 0, 0xfe, 0xff)) return "UTF-32";
  if (begins(0xff, 0xfe) || begins(0xfe, 0xff)) return "UTF-16";
  const zeros = [0, 0]; // at even and at odd positions
  const head = bytes.subarray(0, beginning);
  head.forEach((byte, i) => {
    if (byte === 0) zeros[i % 2]++;
  });
  const most = 0.2 * head.length;
  return zeros[1] > most ? "UTF-16LE" : zeros[0] > most ? "UTF-16BE" : undefined;
}

function findWrongLine(bytes: Uint8Array): number {
  for (let line = 1, begin = 0; ; line++) {
    const end = bytes.indexOf(10, begin);
    if (end < 0 || !isUtf8(bytes.subarray(begin, end))) return line;
    begin = end + 1;
  }
}
