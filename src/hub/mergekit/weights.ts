// What a mergekit configuration would do to two folders: the weight of b in each of their layers.
import { existsSync } from "node:fs";
import { type Checkpoint, storedName } from "../../checkpoints/index.ts";
import { readText, UserError } from "../../core/index.ts";
import { type Grouping, type Layer, layersOf } from "../../models/index.ts";
import { isModelFolder, type ModelFolder, openWeights, readModelFolder } from "../folder.ts";
import { modelOf } from "../model.ts";
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
  const text = await readText(path);
  const merge = readMergekit(text, path);
  const [a, b] = [options.a ?? folderOf(merge.a, path), options.b ?? folderOf(merge.b, path)];
  const folder = await readModelFolder(a);
  const file = await openWeights(folder);
  try {
    for (const group of options.group ? [options.group] : groupings) {
      const layers = weighLayers(folder, file, merge, group);
      const uneven = layers.find(({ weights }) => weights.length > 1);
      if (!uneven) {
        const weights = Object.fromEntries(layers.map(({ name, weights: [weight] }) => [name, weight]));
        return { a, b, group, weights, notes: notesOf(merge, file, path) };
      }
      if (options.group)
        throw new UserError(
          `${path} gives ${uneven.weights.join(" and ")} as weights of b in one layer, ${uneven.name}. Choose smaller layers with --group (sublayer, module, tensor), or leave it out.`,
        );
    }
    throw new Error(`a tensor by itself has several weights in ${path}`);
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
  const layers = layersOf(modelOf(folder, group));
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

function notesOf({ dtype }: Mergekit, file: Checkpoint, path: string): string[] {
  const stored = new Set([...file.tensors.values()].map((one) => one.dtype as string));
  if (dtype === "float32" || (!dtype && stored.size === 1 && stored.has("float32"))) return [];
  return [
    `${path} averages in ${dtype ?? [...stored].join(" and ")}, layerwise in float32, so the last bits of its tensors differ.`,
  ];
}
