// The usual text for character models (Karpathy's tiny Shakespeare), over the 96 sorted characters of the paper:
// letters, digits, ASCII punctuation, space, newline. The first 80 % are the train split. Sample i is the i-th
// non-overlapping window: characters [iT, iT + T) predict [iT + 1, iT + T + 1).

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { describeFileError, sha256, UserError } from "../../core/index.ts";
import type { Batch, DataSource } from "../dataset.ts";
import { MissingData } from "../missing.ts";
import { countWindows, readWindows } from "../windows.ts";

/** Code points 10 and 32 … 126. */
const vocabulary = ["\n", ...Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i))];

export const shakespeare: DataSource = {
  name: "shakespeare",
  title: "Shakespeare's plays, 1,115,394 characters, a vocabulary of 96",
  async open({ split = "train", samples, dir = "data", context = 256 }) {
    const inner = join(dir, "shakespeare");
    const folder = basename(dir) !== "shakespeare" && existsSync(inner) ? inner : dir;
    const path = join(folder, "input.txt");
    const text = await readFile(path, "utf8").catch((error) => {
      if (error.code === "ENOENT") throw new MissingData(`The text is missing: there is no ${path}`, ["shakespeare"]);
      throw describeFileError(error, path, "read");
    });
    const all = encode(text, path);
    const cut = Math.floor(0.8 * all.length);
    const ids = split === "train" ? all.subarray(0, cut) : all.subarray(cut);
    const where = `The ${split} split of ${path}`;
    const { count, positions } = countWindows(ids.length, { name: where, unit: "characters", context, samples });
    const windows = (starts: ArrayLike<number>): Batch =>
      readWindows("input", ids, (position) => ids[position + 1], starts, context);
    return {
      name: "shakespeare",
      split,
      count,
      inputs: [{ name: "input", dtype: "int64", shape: [context] }],
      labelShape: [context],
      classes: vocabulary.length,
      get sha256() {
        return sha256(ids.subarray(0, positions + context));
      },
      batch: (indices) => windows(Array.from(indices, (i) => i * context)),
      windows,
      positions,
    };
  },
};

function encode(text: string, path: string): Uint8Array {
  const index = new Map(vocabulary.map((character, i) => [character, i]));
  const ids = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const id = index.get(text[i]);
    if (id === undefined)
      throw new UserError(
        `Character ${i} of ${path} is ${JSON.stringify(text[i])}, which is not one of the 96 (ASCII letters, digits, punctuation, space, newline). Remove it from the text.`,
      );
    ids[i] = id;
  }
  return ids;
}
