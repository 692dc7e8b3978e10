// Whether two folders give a text the same ids, by their files alone: where they do not, a row of one embedding is another token than the same row of the
// other, and an average of the two is garbage.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { sha256File, sha256Value, UserError } from "../../core/index.ts";
import type { Json } from "../config.ts";
import type { ModelFolder } from "../folder.ts";
import { readJson } from "../json.ts";

/** Throws {@link UserError} where both have a tokenizer and they differ. Returns a note where that could not be compared. */
export async function requireSameTokenizer(a: ModelFolder, b: ModelFolder): Promise<string[]> {
  const [x, y] = [foldersOf(a), foldersOf(b)];
  for (const [name, read] of [
    ["tokenizer.json", idsOf],
    ["tokenizer.model", sha256File],
  ] as const) {
    const [one, other] = [x, y].map((folders) => folders.map((f) => join(f, name)).find((path) => existsSync(path)));
    if (!one || !other) continue;
    if ((await read(one)) === (await read(other))) return [];
    throw new UserError(
      `${a.path} and ${b.path} have different tokenizers (${name}), so the rows of their embeddings mean different tokens. Give two models with one tokenizer.`,
    );
  }
  return [`Whether ${a.path} and ${b.path} have the same tokenizer is unknown: they do not have the same file of it.`];
}

/** An adapter may have a tokenizer of its own. */
const foldersOf = ({ folder, adapter }: ModelFolder): string[] => (adapter ? [adapter.folder, folder] : [folder]);

/** Of what decides which ids a text has; what is put around it, and how batches are made, does not count. */
async function idsOf(path: string): Promise<string> {
  const { normalizer, pre_tokenizer, model, added_tokens } = await readJson(path);
  const added = (Array.isArray(added_tokens) ? added_tokens : []).map((token: Json) => {
    const { id, content } = token as { id: Json; content: Json };
    return [id, content];
  });
  return sha256Value([normalizer, pre_tokenizer, model, added]);
}
