// JSON Lines: one document per line. Files are read line by line, so part of a file larger than memory can be used.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { decodeText, describeFileError, UserError } from "../../core/index.ts";
import { type Document, documentOf } from "./document.ts";

export async function* readJsonLines(path: string): AsyncGenerator<Document> {
  for await (const [row, where] of readObjects(path)) yield documentOf(row, where);
}

/** The objects of a file, each with its name in messages. */
export async function* readObjects(path: string): AsyncGenerator<readonly [Record<string, unknown>, string]> {
  // as bytes: in UTF-8 readline would also split at other line separators
  const stream = createReadStream(path, "latin1");
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
  let number = 0;
  try {
    for await (const bytes of lines) {
      number++;
      const line = decodeText(Buffer.from(bytes, "latin1"), path, number);
      if (line.trim() === "") continue;
      const where = `Line ${number} of ${path}`;
      yield [parseLine(line, where), where];
    }
  } catch (error) {
    throw describeFileError(error, path, "read");
  } finally {
    stream.destroy();
  }
}

function parseLine(line: string, where: string): Record<string, unknown> {
  try {
    const row = JSON.parse(line);
    if (typeof row === "object" && row !== null && !Array.isArray(row)) return row;
  } catch (error) {
    throw new UserError(`${where} is not JSON: ${(error as Error).message}. Give one object per line.`, {
      cause: error,
    });
  }
  throw new UserError(`${where} is not a JSON object. Give one object per line.`);
}
