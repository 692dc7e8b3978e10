// A checkpoint in several files, as Hugging Face's libraries save it: `model.safetensors.index.json` (or
// `pytorch_model.bin.index.json`) maps every tensor to a file in the same folder. The tensors are in the
// index's order, or in that of their numbers; the format is that of the files.
import { dirname, join } from "node:path";
import { UserError } from "../core/index.ts";
import { type Checkpoint, find, type TensorInfo } from "./checkpoint.ts";
import { besideJson } from "./folder.ts";
import { orderByNumber } from "./safetensors/number-order.ts";
import { isObject, parseObject } from "./safetensors/safetensors.ts";
import { damaged, missingPart, quote, type Source } from "./source.ts";

/** Largest index in bytes, for hundreds of thousands of tensors. */
const longestIndex = 64 << 20;

/** Opens every file in the index with `openShard`. Closes `source`, the index. */
export async function openShards(
  source: Source,
  openShard: (path: string) => Promise<Checkpoint>,
): Promise<Checkpoint> {
  const { path } = source;
  if (source.size > longestIndex)
    throw new UserError(`${path} is larger than 64 MiB, too large for an index of tensors. Give a checkpoint.`);
  const index = parseObject(path, await source.read(0, source.size)).weight_map;
  if (!isObject(index)) {
    throw new UserError(`${path} is JSON without a weight_map, not a checkpoint. ${await besideJson(path)}`);
  }
  const listed = Object.entries(index).map(([name, file]) => [name, checkFileName(path, name, file)] as const);
  const fileOf = new Map(orderByNumber(listed, () => ""));
  const shards = new Map<string, Checkpoint>();
  const close = async () => {
    await Promise.all([...shards.values()].map((shard) => shard.close()));
  };
  try {
    for (const file of new Set(fileOf.values())) {
      const shard = join(dirname(path), file);
      const opened = openShard(shard).catch((error) => {
        throw missingPart(error, shard, path);
      });
      shards.set(file, await opened);
    }
    const tensors = new Map<string, TensorInfo>();
    for (const [name, file] of fileOf) {
      const info = shards.get(file)!.tensors.get(name);
      if (!info)
        throw new UserError(
          `${path} maps ${quote(name)} to ${file}, but ${file} does not contain it. Copy both files again.`,
        );
      tensors.set(name, info);
    }
    await source.close();
    const metadata = Object.assign({}, ...[...shards.values()].map((shard) => shard.metadata));
    const read = async (name: string) => shards.get(find(path, fileOf, name))!.read(name);
    const format = shards.values().next().value?.format ?? "safetensors";
    const range = (name: string) => {
      const shard = shards.get(find(path, fileOf, name))!;
      return shard.range?.(name);
    };
    const files = [path, ...[...shards.values()].flatMap((shard) => shard.files)];
    const tied = [...shards].flatMap(([file, shard]) =>
      (shard.tied ?? []).map((names) => names.filter((name) => fileOf.get(name) === file)),
    );
    return {
      path,
      files,
      format,
      tensors,
      metadata,
      read,
      range,
      close,
      tied: tied.filter(({ length }) => length > 1),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A shard is in the same folder as its index; any other path is refused. */
function checkFileName(path: string, name: string, file: unknown): string {
  if (typeof file === "string" && /^[^/\\\0]+$/.test(file) && file !== "." && file !== "..") return file;
  throw damaged(path, `it maps ${quote(name)} to something that is not a file in the same folder`);
}
