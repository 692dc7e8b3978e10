// What a mergekit configuration would do to two folders: the alpha of each of their layers.
import { existsSync } from "node:fs";
import { type Checkpoint, storedName } from "../../checkpoints/index.ts";
import { readText, UserError } from "../../core/index.ts";
import { type Grouping, type Layer, layersOf } from "../../models/index.ts";
import { isModelFolder, type ModelFolder, openWeights, readModelFolder } from "../folder.ts";
import { modelOf } from "../model.ts";
import { type Mergekit, readMergekit } from "./config.ts";

export interface MergekitAlphas {
  readonly a: string;
  readonly b: string;
  /** The grouping: as requested, else the coarsest one in which all tensors of each layer have the same alpha. */
  readonly group: Grouping;
  /** Alpha by layer. */
  readonly alphas: Readonly<Record<string, number>>;
  readonly notes: readonly string[];
}

interface MergekitOptions {
  /** Folders to use in place of those that the file names. */
  readonly a?: string;
  readonly b?: string;
  readonly group?: Grouping;
}

/** Groupings, the coarsest first. */
const groupings: readonly Grouping[] = ["block", "sublayer", "module", "tensor"];

/**
 * Reads a configuration. Throws {@link UserError} if it is not a linear merge of two models, or if a layer has several
 * alphas.
 */
export async function readMergekitAlphas(path: string, options: MergekitOptions): Promise<MergekitAlphas> {
  const text = await readText(path);
  const merge = readMergekit(text, path);
  const [a, b] = [options.a ?? folderOf(merge.a, path), options.b ?? folderOf(merge.b, path)];
  const folder = await readModelFolder(a);
  const file = await openWeights(folder);
  try {
    for (const group of options.group ? [options.group] : groupings) {
      const layers = alphasByLayer(folder, file, merge, group);
      const uneven = layers.find(({ alphas }) => alphas.length > 1);
      if (!uneven) {
        const alphas = Object.fromEntries(layers.map(({ name, alphas: [alpha] }) => [name, alpha]));
        return { a, b, group, alphas, notes: notesOf(merge, file, path) };
      }
      if (options.group)
        throw new UserError(
          `${path} has several alphas (${uneven.alphas.join(" and ")}) in one layer, ${uneven.name}. Choose smaller layers with --group (sublayer, module, tensor), or omit --group.`,
        );
    }
    throw new Error(`a single tensor has several alphas in ${path}`);
  } finally {
    await file.close();
  }
}

/**
 * The folder that a configuration names, as mergekit resolves it: a path relative to the working directory, or a name
 * in the cache.
 */
function folderOf(name: string, path: string): string {
  if (isModelFolder(name)) return name;
  if (name.includes("+") && !existsSync(name))
    throw new UserError(
      `${path} applies an adapter to ${name.split("+")[0]}. Give both folders as A and B; for an adapter on its base, give the adapter's folder.`,
    );
  throw new UserError(
    `${path} names ${name}, which is neither a folder (paths are relative to the working directory) nor in the Hugging Face cache. Correct the name, or give both folders as A and B.`,
  );
}

interface LayerAlphas {
  readonly name: string;
  /** The distinct alphas of its tensors. */
  readonly alphas: readonly number[];
}

function alphasByLayer(folder: ModelFolder, file: Checkpoint, merge: Mergekit, group: Grouping): LayerAlphas[] {
  const layers = layersOf(modelOf(folder, group));
  const blockOf = (tensor: string) => {
    const [, number] = /\.(\d+)\./.exec(tensor) ?? [];
    return number === undefined ? undefined : Number(number);
  };
  const numbers = folder.network.parameters.flatMap(({ name }) => blockOf(name) ?? []);
  const blocks = new Set(numbers).size;
  return layers.map((layer) => ({
    name: layer.name,
    alphas: [...new Set(namesIn(layer, file).map((name) => merge.alphaOf(name, blockOf(name), blocks)))],
  }));
}

/** The tensors of a layer as mergekit sees them: a tied tensor has its name in the file. */
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
    `${path} averages in ${dtype ?? [...stored].join(" and ")}, but layerwise averages in float32, so the last bits of the tensors differ.`,
  ];
}
