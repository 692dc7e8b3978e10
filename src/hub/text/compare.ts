// What sets two tokenizers apart, by their files: other ids for a token, other rules for cutting a text, or only what is added around it.
import { listSome, sha256Value } from "../../core/index.ts";
import type { Json, JsonObject } from "../config.ts";
import type { TokenizerFiles } from "./tokenizer.ts";

export interface TokenizerDifference {
  readonly says: string;
  /** The same pieces of text have the same ids, so embeddings mean the same. */
  readonly isAround: boolean;
}

/** Parts of tokenizer.json that change no id of a piece of text, only what is put around it. */
const around = ["post_processor", "added_tokens"];

/** Undefined where both turn every text into the same ids. */
export function compareTokenizers(a: TokenizerFiles, b: TokenizerFiles): TokenizerDifference | undefined {
  if (a.sha256 === b.sha256) return undefined;
  const unlike = differencesOfIds(idsOf(a.own), idsOf(b.own));
  if (unlike.length) return { says: unlike.join("; "), isAround: false };
  const parts = differingParts(a.meaning, b.meaning);
  return { says: `other ${listSome(parts, 6)}`, isAround: parts.every((part) => around.includes(part)) };
}

/** The id of every token. Unigram models list tokens with their scores, the others give each its id. */
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
    { tokens: moved, where: "with other ids" },
  ].flatMap(({ tokens: found, where }) => (found.length ? [`${tokens(found.length)} ${where}: ${some(found)}`] : []));
}

/** Names of the parts that differ; of the model its own parts. */
function differingParts(a: JsonObject, b: JsonObject): string[] {
  const [x, y] = [a, b].map(({ model, ...rest }) => ({
    ...rest,
    ...Object.fromEntries(Object.entries((model ?? {}) as JsonObject).map(([key, value]) => [`model.${key}`, value])),
  })) as JsonObject[];
  const names = [...new Set([...Object.keys(x), ...Object.keys(y)])];
  return names.filter((name) => sha256Value(x[name] ?? null) !== sha256Value(y[name] ?? null));
}
