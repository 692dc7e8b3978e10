// What a mergekit configuration would do to two folders: the weight of b in each of their layers.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { type Checkpoint, storedName } from "../../checkpoints/index.ts";
import { describeFileError, UserError } from "../../core/index.ts";
import type { Grouping, Layer } from "../../models/index.ts";
import { isModelFolder, type ModelFolder, openWeights, readModelFolder } from "../folder.ts";
import { layersOfModel, modelOf } from "../model.ts";
import { type Mergekit, readMergekit } from "./config.ts";

export interface MergekitWeights {
  readonly a: string;
  readonly b: string;
  /** The layers: as asked for, else the largest in which all tensors have one weight. */
  readonly group: Grouping;
  /** The weight of b, by layer. */
  readonly weights: Readonly<Record<string, number>>;
  readonly notes: readonly string[];
}

interface MergekitOptions {
  /** The folders, in place of those that the file names. */
  readonly a?: string;
  readonly b?: string;
  readonly group?: Grouping;
}

/** Groupings, those of the largest layers first. */
const groupings: readonly Grouping[] = ["block", "sublayer", "module", "tensor"];

/** Reads a configuration. Throws {@link UserError} where it is not a linear merge of two models, or gives a layer several weights. */
export async function weightsByMergekit(path: string, options: MergekitOptions): Promise<MergekitWeights> {
  const text = await readFile(path, "utf8").catch((error) => {
    throw describeFileError(error, path, "read");
  });
  const merge = readMergekit(text, path);
  const [a, b] = [options.a ?? folderOf(merge.a, path), options.b ?? folderOf(merge.b, path)];
  const folder = await readModelFolder(a);
  const file = await openWeights(folder);
  try {
    const group =
      options.group ?? groupings.find((one) => !unevenIn(weighLayers(folder, file, merge, one))) ?? "tensor";
    const layers = weighLayers(folder, file, merge, group);
    const uneven = unevenIn(layers);
    if (uneven)
      throw new UserError(
        `${path} gives ${[...uneven.weights].join(" and ")} as weights of b in one layer, ${uneven.name}. Choose smaller layers with --group (sublayer, module, tensor), or leave it out.`,
      );
    return {
      a,
      b,
      group,
      weights: Object.fromEntries(layers.map(({ name, weights: [weight] }) => [name, weight])),
      notes: notesOf(merge, file, path),
    };
  } finally {
    await file.close();
  }
}

/** The folder that a configuration means: a path from the working directory, or a name in the cache, as mergekit reads it. */
function folderOf(name: string, path: string): string {
  if (isModelFolder(name)) return name;
  if (name.includes("+") && !existsSync(name))
    throw new UserError(
      `${path} puts an adapter on ${name.split("+")[0]}. Give both folders as A and B: the adapter's own folder stands for it on its base.`,
    );
  throw new UserError(
    `${path} names ${name}, which is neither a folder (paths are relative to the working directory) nor in the Hugging Face cache. Correct it, or give both folders as A and B.`,
  );
}

interface WeighedLayer {
  readonly name: string;
  /** One, where all its tensors have the same. */
  readonly weights: readonly number[];
}

function weighLayers(folder: ModelFolder, file: Checkpoint, merge: Mergekit, group: Grouping): WeighedLayer[] {
  const layers = layersOfModel(modelOf(folder, group), group);
  const blockOf = (tensor: string) => {
    const [, number] = /\.(\d+)\./.exec(tensor) ?? [];
    return number === undefined ? undefined : Number(number);
  };
  const numbers = folder.network.parameters.flatMap(({ name }) => blockOf(name) ?? []);
  const blocks = new Set(numbers).size;
  return layers.map((layer) => ({
    name: layer.name,
    weights: [...new Set(namesIn(layer, file).map((name) => merge.alphaOf(name, blockOf(name), blocks)))],
  }));
}

/** The tensors of a layer as mergekit sees them: a tied one has the name that it has in the file. */
function namesIn({ parameters }: Layer, file: Checkpoint): string[] {
  const seen = new Map<string, string>();
  for (const name of parameters) {
    const stored = storedName(file, name);
    if (!seen.has(stored) || name.endsWith(stored)) seen.set(stored, name);
  }
  return [...seen.values()];
}

const unevenIn = (layers: readonly WeighedLayer[]) => layers.find(({ weights }) => weights.length > 1);

function notesOf({ dtype }: Mergekit, file: Checkpoint, path: string): string[] {
  const stored = new Set([...file.tensors.values()].map((one) => one.dtype as string));
  if (dtype === "float32" || (!dtype && stored.size === 1 && stored.has("float32"))) return [];
  return [
    `${path} averages in ${dtype ?? [...stored].join(" and ")}, layerwise in float32, so the last bits of its tensors differ.`,
  ];
}
