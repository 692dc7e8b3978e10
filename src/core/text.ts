// Text out of bytes. Files of text are UTF-8; other encodings are refused, not decoded with marks in place of what is not understood.
import { isUtf8 } from "node:buffer";
import { readFile } from "node:fs/promises";
import { UserError } from "./errors.ts";
import { describeFileError } from "./files.ts";

/** Bytes that are looked at for zeros, of which UTF-16 has many. */
const beginning = 4096;

/**
 * The text of a file's bytes, or of those of its line `line`, without a byte order mark. Throws {@link UserError} that names the file and how to convert it where
 * they are not UTF-8.
 */
export function decodeText(bytes: Uint8Array, path: string, line?: number): string {
  const wide = (line ?? 1) === 1 ? wideEncodingOf(bytes) : undefined;
  if (wide)
    throw new UserError(
      `${path} is ${wide} text, but layerwise reads UTF-8. Convert it, such as with iconv -f ${wide} -t UTF-8, and give the copy.`,
    );
  if (!isUtf8(bytes))
    throw new UserError(
      `${path} is not UTF-8 text: line ${line ?? firstWrongLine(bytes)} has bytes of another encoding. Convert it, such as with iconv -f WINDOWS-1252 -t UTF-8 where Windows or Latin-1 wrote it, and give the copy.`,
    );
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .toString("utf8")
    .replace(/^\uFEFF/, "");
}

/** {@link decodeText} of a whole file. */
export async function readText(path: string): Promise<string> {
  try {
    return decodeText(await readFile(path), path);
  } catch (error) {
    throw describeFileError(error, path, "read");
  }
}

/** UTF-16 or UTF-32, by the byte order mark, or by zeros at every other place; undefined for others. */
function wideEncodingOf(bytes: Uint8Array): string | undefined {
  const begins = (...mark: number[]) => mark.every((byte, i) => bytes[i] === byte);
  if (begins(0xff, 0xfe, 0, 0) || begins(0, 0, 0xfe, 0xff)) return "UTF-32";
  if (begins(0xff, 0xfe) || begins(0xfe, 0xff)) return "UTF-16";
  const zeros = [0, 0]; // at even places, at odd ones
  const head = bytes.subarray(0, beginning);
  head.forEach((byte, i) => {
    if (byte === 0) zeros[i % 2]++;
  });
  const most = 0.2 * head.length;
  return zeros[1] > most ? "UTF-16LE" : zeros[0] > most ? "UTF-16BE" : undefined;
}

function firstWrongLine(bytes: Uint8Array): number {
  for (let line = 1, begin = 0; ; line++) {
    const end = bytes.indexOf(10, begin);
    if (end < 0 || !isUtf8(bytes.subarray(begin, end))) return line;
    begin = end + 1;
  }
}
