// Quick checks of the kind of a path. Missing paths have no kind.
import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";

export const isFile = (path: string): boolean => existsSync(path) && statSync(path).isFile();
export const isFolder = (path: string): boolean => existsSync(path) && statSync(path).isDirectory();

/** The first bytes of a file. */
export function headOf(path: string, length: number): Uint8Array {
  const file = openSync(path, "r");
  try {
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, readSync(file, bytes, 0, length, 0));
  } finally {
    closeSync(file);
  }
}
