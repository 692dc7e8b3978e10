// Other spellings of the names of the same network: without DataParallel's `module`, with the older names of
// normalisations, and without levels that only group the parts of a network.
import type { Format, KeyedFile } from "../../checkpoints/index.ts";
import type { DType } from "../../core/index.ts";

/** The tensors of a file or model. */
export interface Named {
  readonly path: string;
  readonly format?: Format;
  readonly tensors: ReadonlyMap<string, { readonly dtype: DType; readonly shape: readonly number[] }>;
  /**
   * Selects the tensors, under common names, that are averaged, if not all are: the shapes of the others may differ.
   */
  readonly averagedOf?: AveragedOf;
  /** Which file of the command it is; for messages. */
  readonly end?: KeyedFile;
  /** Groups of names that are one tensor. */
  readonly tied?: readonly (readonly string[])[];
}

export type AveragedOf = (
  tensors: readonly { readonly name: string; readonly dtype: DType; readonly shape: readonly number[] }[],
) => ReadonlySet<string>;

/** A file's tensors under new names, to compare with another file's. */
export interface Renamed {
  readonly file: Named;
  /** The name in the file by new name. */
  readonly names: ReadonlyMap<string, string>;
  /** The prefix that was removed, or kept if `isKept`. */
  readonly prefix: string;
  readonly isKept?: boolean;
  /** Weights that are not under the prefix. */
  readonly outside: readonly string[];
}

/** Prefixes that training programs give to the network, for example to separate it from a loss with weights. */
export const holders = ["model.", "net.", "network.", "backbone.", "module."];

/** Without the `module` that DataParallel adds to a part of a network, if all names of the part have it. */
export function withoutParallel(renamed: Renamed): Renamed {
  const names = [...renamed.names.keys()];
  const isWrapped = new Map<string, boolean>(); // by part: whether all its names go through `module`
  const partsOf = (name: string) => {
    const parts = name.split(".");
    return parts.map((part, i) => ({ part, parent: parts.slice(0, i).join("."), isLast: i + 1 === parts.length }));
  };
  for (const name of names)
    for (const { part, parent, isLast } of partsOf(name))
      isWrapped.set(parent, (isWrapped.get(parent) ?? parent !== "") && part === "module" && !isLast);
  const bare = names.map((name) =>
    partsOf(name)
      .filter(({ parent }) => !isWrapped.get(parent))
      .map(({ part }) => part)
      .join("."),
  );
  if (new Set(bare).size < names.length) return renamed;
  const own = [...renamed.names.values()];
  return { ...renamed, names: new Map(bare.map((name, i) => [name, own[i]])) };
}

/** Weight normalisation under its names before PyTorch 2.0: `weight_g` and `weight_v`, the norms and the directions. */
export function withOldNorms(renamed: Renamed): Renamed {
  const names = new Map<string, string>();
  for (const [name, own] of renamed.names) {
    const [, weight] = /^(.*)original[01]$/.exec(name) ?? [];
    const isNorm = weight !== undefined && [0, 1].every((part) => renamed.names.has(`${weight}original${part}`));
    const ending = name.endsWith("0") ? "_g" : "_v";
    names.set(isNorm ? name.replace(/(^|\.)parametrizations\.([^.]+)\.original[01]$/, `$1$2${ending}`) : name, own);
  }
  return names.size === renamed.names.size ? { ...renamed, names } : renamed;
}

/**
 * Normalisation under PyTorch's names, for files with TensorFlow's `gamma` and `beta`, such as early BERT files. A
 * `gamma` without `beta` is another parameter.
 */
export function withWeightOfNorms(renamed: Renamed): Renamed {
  const names = new Map<string, string>();
  for (const [name, own] of renamed.names) {
    const [, module, leaf] = /^((?:.*[./])?)(gamma|beta)$/.exec(name) ?? [];
    const has = (other: string) => renamed.names.has(module + other);
    const isNorm = leaf !== undefined && has("gamma") && has("beta") && !has("weight") && !has("bias");
    names.set(isNorm ? module + (leaf === "gamma" ? "weight" : "bias") : name, own);
  }
  return { ...renamed, names };
}

/**
 * Levels that only group the parts of a network: transformers 4.52 moved them (`model.layers` to
 * `model.language_model.layers`, `visual` to `model.visual`), and some Stable Diffusion files lack CLIP's `text_model`.
 */
export const levels = [...holders, "language_model.", "text_model.", "vlm."].map((level) => level.slice(0, -1));

/** Without such levels anywhere; unchanged if two names would become equal. */
export function withoutLevels(renamed: Renamed): Renamed {
  const names = new Map<string, string>();
  for (const [name, own] of renamed.names) {
    const parts = name.split(".");
    const kept = parts.filter((part, i) => i === parts.length - 1 || !levels.includes(part));
    names.set(kept.join("."), own);
  }
  return names.size === renamed.names.size ? { ...renamed, names } : renamed;
}

/** `one` under the file names of `like`, for names in both. */
export function underNamesOf(one: Renamed, like: Renamed): Renamed {
  return { ...one, names: new Map([...one.names].map(([name, own]) => [like.names.get(name) ?? own, own])) };
}
