// Compares two tokenizers by their files: token ids, the rules that split a text, and the special tokens added around
// it.
import { listSome, sha256Value } from "../../core/index.ts";
import type { Json, JsonObject } from "../config.ts";
import type { TokenizerFiles } from "./tokenizer.ts";

export interface TokenizerDifference {
  readonly says: string;
  /** Only the special tokens around a text differ: ids, and so embeddings, mean the same. */
  readonly isAround: boolean;
}

/** Parts of tokenizer.json that change only what is put around a text, not the ids of its pieces. */
const around = ["post_processor", "added_tokens"];

/** Undefined if both turn every text into the same ids. */
export function compareTokenizers(a: TokenizerFiles, b: TokenizerFiles): TokenizerDifference | undefined {
  if (a.sha256 === b.sha256) return undefined;
  const unlike = differencesOfIds(idsOf(a.own), idsOf(b.own));
  if (unlike.length) return { says: unlike.join("; "), isAround: false };
  const parts = differingParts(a.rules, b.rules);
  return { says: `different ${listSome(parts, 6)}`, isAround: parts.every((part) => around.includes(part)) };
}

/** The id of every token. Unigram models list tokens with scores; the others map tokens to ids. */
function idsOf({ model, added_tokens }: JsonObject): Map<string, number> {
  const { vocab = {} } = (model ?? {}) as { vocab?: Json };
  const listed: [string, number][] = Array.isArray(vocab)
    ? vocab.map((entry, id) => [String((entry as Json[])[0]), id])
    : Object.entries(vocab as Record<string, number>);
  const added = (Array.isArray(added_tokens) ? added_tokens : []) as unknown as { content: string; id: number }[];
  return new Map([...listed, ...added.map(({ content, id }): [string, number] => [content, id])]);
}

function differencesOfIds(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): string[] {
  const only = (one: ReadonlyMap<string, number>, other: ReadonlyMap<string, number>) =>
    [...one.keys()].filter((token) => !other.has(token));
  const moved = [...a].filter(([token, id]) => b.has(token) && b.get(token) !== id).map(([token]) => token);
  const some = (tokens: readonly string[]) =>
    listSome(
      tokens.map((token) => JSON.stringify(token)),
      3,
    );
  const tokens = (count: number) => `${count.toLocaleString("en-GB")} ${count === 1 ? "token" : "tokens"}`;
  return [
    { tokens: only(a, b), where: "only in a" },
    { tokens: only(b, a), where: "only in b" },
    { tokens: moved, where: "with different ids" },
  ].flatMap(({ tokens: found, where }) => (found.length ? [`${tokens(found.length)} ${where}: ${some(found)}`] : []));
}

/** Names of the parts that differ. The parts of the model are compared one by one. */
function differingParts(a: JsonObject, b: JsonObject): string[] {
  const [x, y] = [a, b].map(({ model, ...rest }) => ({
    ...rest,
    ...Object.fromEntries(Object.entries((model ?? {}) as JsonObject).map(([key, value]) => [`model.${key}`, value])),
  })) as JsonObject[];
  const names = [...new Set([...Object.keys(x), ...Object.keys(y)])];
  return names.filter((name) => sha256Value(x[name] ?? null) !== sha256Value(y[name] ?? null));
}
