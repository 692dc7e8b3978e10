// A cache of token streams, since encoding a large text takes minutes. A file is named by the hash of the tokenizer,
// the text and the number of tokens, and can be deleted at any time. Errors of reading or writing the cache are
// ignored.
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { withCheckpoints, writeCheckpoint } from "../../checkpoints/index.ts";
import { sha256File, sha256Value, type Tensor } from "../../core/index.ts";
import type { TokenStream } from "./stream.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Increase it when the rules of stream.ts change. */
const rules = 2;
/** The fewest tokens for which a stream is cached. */
const least = 20_000;

const folder = (): string => join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "layerwise", "tokens");

/** The stream of a text file's first `most` tokens, from the cache or from `encode`. */
export async function cachedStream(
  path: string,
  tokenizer: Tokenizer,
  most: number | undefined,
  encode: () => Promise<TokenStream>,
): Promise<TokenStream> {
  const key = {
    rules,
    tokenizer: tokenizer.rulesSha256,
    text: await sha256File(path),
    most: most ?? null,
  };
  const file = join(folder(), `${sha256Value(key)}.safetensors`);
  const stored = existsSync(file) ? await readStream(file).catch(() => undefined) : undefined;
  if (stored) return stored;
  const stream = await encode();
  if (stream.ids.length >= least) await writeStream(file, stream).catch(() => {});
  return stream;
}

const readStream = (file: string): Promise<TokenStream> =>
  withCheckpoints([file], async (checkpoint) => {
    const [ids, labels] = await Promise.all(["ids", "labels"].map((name) => checkpoint.read(name)));
    return { ids: ids.data as TokenStream["ids"], labels: labels.data as TokenStream["labels"] };
  });

function writeStream(file: string, { ids, labels }: TokenStream): Promise<void> {
  const tensors: Record<string, Tensor> = {
    ids: { dtype: "int32", shape: [ids.length], data: ids },
    labels: { dtype: "int32", shape: [labels.length], data: labels },
  };
  const infos = Object.entries(tensors).map(([name, tensor]) => ({ ...tensor, name }));
  return writeCheckpoint(file, "safetensors", infos, async (name) => tensors[name]);
}
