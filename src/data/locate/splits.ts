// The names of splits in files and folders.
import { type Split, splits } from "../dataset.ts";

export const splitNames: Readonly<Record<Split, readonly string[]>> = {
  train: ["train"],
  valid: ["valid", "validation", "val", "dev"],
  test: ["test"],
};

/**
 * The split in the name of a file or folder: `train`, `val`, `train-00000-of-00002`, `test_batch`; undefined for other
 * names.
 */
export function splitOf(name: string): Split | undefined {
  const [word] = name.toLowerCase().split(/[-_.]/);
  return splits.find((split) => splitNames[split].includes(word));
}

/** Compares names by code point, the order in Python. */
export function byCodePoint(a: string, b: string): number {
  const [x, y] = [[...a], [...b]];
  for (let i = 0; i < Math.min(x.length, y.length); i++)
    if (x[i] !== y[i]) return x[i].codePointAt(0)! - y[i].codePointAt(0)!;
  return x.length - y.length;
}
