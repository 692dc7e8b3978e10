// Walks a pickle's value: dictionaries and lists, the tensors in them, and the trees of arrays in which JAX's libraries
// store networks.
import { isFloating, sizeOf } from "../../core/index.ts";
import { isFilledArray, NumpyArray } from "./numpy.ts";
import { isUnreadTensor, type Unknown } from "./unknown.ts";
import { isTorchTensor, type TorchTensor } from "./values.ts";

/** Keys of dictionaries that are never the network: an optimiser's state, a PyTorch module's extra state. */
export const notNetwork = /(^|[^a-z])(optim\w*|opt_states?)([^a-z]|$)|_extra_state$/i;
/** Largest depth that is searched: JAX's libraries and Megatron nest a dictionary for every part of a network. */
export const deepest = 32;
export type Dictionary = ReadonlyMap<unknown, unknown>;
export type Path = readonly string[];

export interface Found {
  readonly map: Dictionary;
  readonly at: Path;
  /** The dictionaries that together form one network. */
  readonly parts?: readonly Found[];
}

export const isDictionary = (value: unknown): value is Dictionary => value instanceof Map && !isUnreadTensor(value);

export const nameOf = (at: Path) => at.join(".");

/** A list as a dictionary whose keys are the indices. */
export const dictionaryOf = (list: readonly unknown[]): Dictionary => new Map(list.map((item, i) => [`${i}`, item]));

export const isListOfDictionaries = (value: unknown): value is readonly unknown[] =>
  Array.isArray(value) && value.some((item) => isDictionary(item));

/** Every dictionary that directly contains tensors, outermost first; lists too if `withLists`. */
export function* dictionariesIn(whole: Dictionary, withLists = false): Generator<Found> {
  const seen = new Set<unknown>([whole]);
  let level: Found[] = [{ map: whole, at: [] }];
  for (let depth = 0; depth <= deepest && level.length; depth++) {
    const next: Found[] = [];
    for (const { map, at } of level) {
      if ([...map.values()].some(isTensor)) yield { map, at };
      for (const [key, inner] of named(map)) {
        const isList = withLists && Array.isArray(inner) && inner.some((item) => typeof item === "object");
        if (!(isList || isDictionary(inner)) || seen.has(inner)) continue;
        seen.add(inner);
        next.push({ map: isList ? dictionaryOf(inner) : (inner as Dictionary), at: [...at, key] });
      }
    }
    level = next;
  }
}

/** The dictionaries, and the lists that contain weights: not only integers, as a random state does. */
export const placesIn = (whole: Dictionary): Found[] => {
  const dictionaries = new Set([...dictionariesIn(whole)].map(({ map }) => map));
  return [...dictionariesIn(whole, true)].filter(
    ({ map }) => dictionaries.has(map) || [...map.values()].some(isWeight),
  );
};

export const isWeight = (value: unknown): boolean => {
  if (isTorchTensor(value)) return isFloating(value.dtype) && sizeOf(value.shape) > 1;
  return isFilledArray(value)
    ? isFloating(value.content.dtype) && sizeOf(value.content.shape) > 1
    : isUnreadTensor(value);
};

/** Entries that may be, or contain, the network. */
export const named = (value: Dictionary): [string, unknown][] =>
  [...value].filter(
    (entry): entry is [string, unknown] =>
      typeof entry[0] === "string" &&
      !((isDictionary(entry[1]) || Array.isArray(entry[1])) && notNetwork.test(entry[0])),
  );

type AnyTensor = TorchTensor | NumpyArray | Unknown;

/** Whether a value is a tensor, including unsupported ones. */
export const isTensor = (value: unknown): value is AnyTensor =>
  isTorchTensor(value) ||
  isUnreadTensor(value) ||
  (value instanceof NumpyArray && (isFilledArray(value) || value.unread !== undefined));

/** The shape of a tensor; unsupported tensors count as having two elements. */
export function shapeOf(value: AnyTensor): readonly number[] {
  if (isTorchTensor(value)) return value.shape;
  return value instanceof NumpyArray && value.content ? value.content.shape : [2];
}

/** True if all tensors are NumPy or JAX arrays: these libraries store a network as nested dictionaries. */
export function isOfArrays(whole: Dictionary): boolean {
  const tensors = [...dictionariesIn(whole)].flatMap(({ map }) => [...map.values()].filter(isTensor));
  return tensors.length > 0 && tensors.every((one) => one instanceof NumpyArray && !one.isDeviceTensor);
}

/** The tensors of dictionaries that form one network, named by all their keys. */
export function treeOf(
  at: Path,
  networks: readonly [string, Dictionary][],
  loose: readonly [string, unknown][],
): Found {
  const parts = networks.flatMap(([key, inner]) =>
    [...dictionariesIn(inner)].map((part) => ({ ...part, at: [...at, key, ...part.at] })),
  );
  const map = new Map<unknown, unknown>(loose);
  for (const part of parts)
    for (const [key, value] of part.map)
      if (isTensor(value)) map.set([...part.at.slice(at.length), key].join(isTorchTensor(value) ? "." : "/"), value);
  return { map, at, parts };
}
