// Content hashes: of bytes, of files (streamed) and of plain values (keys sorted, so equal values hash equally).
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";

/** SHA-256 of bytes, as 64 hexadecimal digits. */
export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** SHA-256 of a file of any size, read as a stream. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest("hex");
}

/** SHA-256 of what several files hold: of one file its own; of more, of their hashes, as hexadecimal digits one after the other. */
export async function sha256Files(paths: readonly string[]): Promise<string> {
  const hashes: string[] = [];
  for (const path of paths) hashes.push(await sha256File(path));
  return hashes.length === 1 ? hashes[0] : sha256(hashes.join(""));
}

/** SHA-256 of a JSON value; the order of keys does not matter. */
export function sha256Value(value: unknown): string {
  return sha256(JSON.stringify(sorted(value)));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, v]) => v !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => [k, sorted(v)]),
  );
}
