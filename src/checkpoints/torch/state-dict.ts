// Finds the state dict in a saved object: the object itself, or a dictionary nested with an epoch, an optimiser's state
// and so on. Only tensors count; other entries are ignored. If several dictionaries may be the network, nothing is
// guessed (an encoder and a decoder look like a generator and its critic): the user chooses one with --key.
import { listSome, sizeOf, UserError } from "../../core/index.ts";
import { type KeyedFile, keyOption } from "../keys.ts";
import { isAverageName, unwrapName } from "../names.ts";
import { unknownKey } from "../select.ts";
import { quote } from "../source.ts";
import { placeholdersIn } from "../unusable.ts";
import { adviceFor } from "./frameworks.ts";
import { type FilledArray, isFilledArray, NumpyArray } from "./numpy.ts";
import { isUnreadTensor, Unknown, unreadEntry, wholeModule } from "./unknown.ts";
import { isTorchTensor, type TorchTensor } from "./values.ts";
import {
  type Dictionary,
  deepest,
  dictionariesIn,
  dictionaryOf,
  type Found,
  isDictionary,
  isListOfDictionaries,
  isOfArrays,
  isTensor,
  isWeight,
  named,
  nameOf,
  notNetwork,
  type Path,
  placesIn,
  shapeOf,
  treeOf,
} from "./walk.ts";

/** Keys under which training programs store the weights, the most certain first. */
const wrappers = ["state_dict", "model_state_dict", "model_state", "model", "net", "network", "module"];
/** Largest number of sibling dictionaries that are compared with each other. */
const mostCompared = 50;

export interface StateDict {
  readonly tensors: ReadonlyMap<string, TorchTensor | FilledArray>;
  /** Whether the tensors come from several nested dictionaries and are named by all their keys. */
  readonly isTree: boolean;
  /** The end of the requested key that is a prefix of names, not a dictionary. */
  readonly prefix: string;
  readonly notes: readonly string[];
  /** Paths of other dictionaries with the same names. */
  readonly copies: readonly string[];
  /** Tensors of other dictionaries, by path. */
  readonly outside: ReadonlyMap<string, TorchTensor>;
  /** Paths of all dictionaries of tensors. */
  readonly dictionaries: readonly string[];
}

/**
 * The tensors of the dictionary at `key`, or of the one that is the network, by name and in order. Throws {@link
 * UserError} that describes the content if there is no state dict, or more than one.
 */
export function findStateDict(path: string, saved: unknown, key?: string, end?: KeyedFile): StateDict {
  const value = isListOfDictionaries(saved) ? dictionaryOf(saved) : saved;
  if (!(value instanceof Map) || (value instanceof Unknown && value.size === 0)) throw noStateDict(path, saved, end);
  const { map, at, prefix } = key === undefined ? { map: value, at: [], prefix: "" } : resolve(value, key);
  const dictionaries = placesIn(value)
    .map(({ at }) => nameOf(at))
    .filter((name) => name !== "");
  const found: Found | undefined = key === "." ? { map, at } : networkUnder();
  if (!found) {
    const module: [Unknown, string?] | undefined =
      key !== undefined && map instanceof Unknown && map.isModule ? [map, key] : moduleIn(value);
    throw module ? wholeModule(path, ...module) : noStateDict(path, saved, end);
  }
  const module = key === undefined ? moduleInPlaceOf(value, found) : undefined;
  if (module) throw wholeModule(path, ...module);
  const tensors = tensorsIn(path, found.map);
  requireElements(path, value, tensors);
  return {
    tensors,
    isTree: found.parts !== undefined,
    prefix,
    ...othersIn(path, value, found),
    outside: outsideOf(value, found),
    dictionaries,
  };

  /** The network under the key; if the key ends in a prefix of names, there must be exactly one. */
  function networkUnder(): Found | undefined {
    try {
      return findNetwork(path, { map, at }, key !== undefined && prefix === "", end);
    } catch (error) {
      const module = key === undefined && ![...dictionariesIn(map)].some(isNamedNetwork) ? moduleIn(map) : undefined;
      if (module) throw wholeModule(path, ...module);
      throw key !== undefined && prefix !== "" && error instanceof UserError
        ? unknownKey(path, key, dictionaries, end)
        : error;
    }
  }
}

/** The dictionary at a dotted key, whose parts may contain dots; the rest of the key is left as a prefix of names. */
function resolve(map: Dictionary, key: string, at: Path = []): Found & { readonly prefix: string } {
  if (key === ".") return { map, at, prefix: "" };
  let best = { map, at, prefix: key };
  for (const [name, item] of map) {
    const inner = Array.isArray(item) ? dictionaryOf(item) : item;
    if (typeof name !== "string" || !isDictionary(inner) || at.length >= deepest) continue;
    if (name === key) return { map: inner, at: [...at, name], prefix: "" };
    if (!key.startsWith(`${name}.`)) continue;
    const deeper = resolve(inner, key.slice(name.length + 1), [...at, name]);
    if (deeper.prefix.length < best.prefix.length) best = deeper;
  }
  return best;
}

/**
 * The dictionary that contains the network. Throws {@link UserError} if several may, unless `isJoined`: then they are
 * the parts of one. Each is visited once: they may contain themselves.
 */
function findNetwork(
  path: string,
  { map: whole, at: start }: Found,
  isJoined: boolean,
  end?: KeyedFile,
): Found | undefined {
  const unwrapped = new Set<Dictionary>();
  const largest = new Map<Dictionary, number>();
  const isTree = isOfArrays(whole);
  const limit = start.length + deepest;
  return unwrap(whole, start);

  function unwrap(value: unknown, at: Path): Found | undefined {
    if (!isDictionary(value) || at.length > limit || unwrapped.has(value)) return undefined;
    unwrapped.add(value);
    const depth = at.length + 1;
    const all = largestIn(value, depth - 1);
    for (const key of wrappers) {
      // single numbers, such as the best accuracy, count only if there is nothing larger
      if (largestIn(value.get(key), depth) < Math.min(2, all)) continue;
      const inner = unwrap(value.get(key), [...at, key]);
      if (inner) return inner;
    }
    const holders = named(value).filter(([, inner]) => largestIn(inner, depth) >= Math.max(1, Math.min(2, all)));
    const loose = holders.filter(([, inner]) => isTensor(inner));
    const nested = [...new Map(holders.filter(([, inner]) => isDictionary(inner)).map(([key, inner]) => [inner, key]))];
    if (nested.length === 0) return loose.length ? { map: value, at } : undefined;
    const networks = withoutAverages(nested.map(([inner, key]) => [key, inner as Dictionary]));
    if (isTree && (networks.length > 1 || loose.some(([, inner]) => isWeight(inner))))
      return treeOf(at, networks, loose);
    // a few tensors next to a larger dictionary (a mean, a latent average) are not the network
    if (networks.length === 1 && loose.length < countIn(networks[0][1]))
      return unwrap(networks[0][1], [...at, networks[0][0]]);
    if (isJoined) return treeOf(at, networks, loose);
    throw severalPlaces(path, at, [...nested.map(([, key]) => key), ...loose.map(([key]) => key)], end);
  }

  /** Number of elements of the largest tensor in a value; 0 if there is none. */
  function largestIn(value: unknown, depth: number): number {
    if (isTensor(value)) return Math.max(1, sizeOf(shapeOf(value)));
    if (!isDictionary(value) || depth > limit) return 0;
    if (!largest.has(value)) {
      largest.set(value, 0); // ends recursion
      const sizes = named(value).map(([, inner]) => largestIn(inner, depth + 1));
      largest.set(
        value,
        sizes.reduce((x, y) => Math.max(x, y), 0),
      );
    }
    return largest.get(value)!;
  }
}

/**
 * Leaves out moving averages if another dictionary has the same names: that one is the network, the averages are
 * copies.
 */
function withoutAverages(nested: readonly [string, Dictionary][]): [string, Dictionary][] {
  if (nested.length > mostCompared) return [...nested];
  const isAverage = ([key]: readonly [string, Dictionary]) => isAverageName(key);
  const others = nested.filter((one) => !isAverage(one));
  return nested.filter((one) => !isAverage(one) || !others.some(([, other]) => hasNamesOf(one[1], other)));
}

/**
 * Whether a copy has only names of the original, apart from wrappers, and at least half of them: an average may omit
 * buffers.
 */
function hasNamesOf(copy: Dictionary, original: Dictionary): boolean {
  const [own, names] = [copy, original].map(namesIn);
  return own.size > 0 && 2 * own.size >= names.size && [...own].every((name) => names.has(name));
}

/** Names of the tensors of a dictionary, without wrappers. */
const ownNames = (map: Dictionary): Set<string> =>
  new Set(
    [...map].filter(([, value]) => isTensor(value)).map(([name]) => unwrapName(`${name}`).replace(/^module\./, "")),
  );

/** Names of the tensors of a dictionary and its nested dictionaries. */
const namesIn = (map: Dictionary): Set<string> =>
  new Set([...dictionariesIn(map)].flatMap(({ map: inner }) => [...ownNames(inner)]));

const isSame = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.size === b.size && [...a].every((name) => b.has(name));

/**
 * Whether a dictionary contains all names under a prefix, such as ema-pytorch's `ema_model.fc.weight` for `fc.weight`.
 */
const holdsUnderPrefix = (map: Dictionary, names: ReadonlySet<string>): boolean => {
  const ends = new Set([...ownNames(map)].map((name) => name.slice(name.indexOf(".") + 1)));
  return [...names].every((name) => ends.has(name));
};

/**
 * Whether a list contains a network's parameters without names, as pytorch_ema saves them: the shapes match, except for
 * buffers.
 */
function isListOf(list: Dictionary, map: Dictionary): boolean {
  const shapesOf = (of: Dictionary) => [...of.values()].filter(isTensor).map((one) => String(shapeOf(one)));
  const [own, all] = [list, map].map(shapesOf);
  if ([...list.keys()].some((key, i) => key !== `${i}`) || 2 * own.length < all.length) return false;
  let found = 0;
  for (const shape of all) if (shape === own[found]) found++;
  return found === own.length;
}

const countIn = (map: Dictionary): number => namesIn(map).size;

/**
 * The tensors of a dictionary, or its arrays if it has no tensors. Throws {@link UserError} for one that cannot be
 * read.
 */
function tensorsIn(path: string, map: Dictionary): Map<string, TorchTensor | FilledArray> {
  const entries = [...map].filter((entry): entry is [string, unknown] => typeof entry[0] === "string");
  const withArrays = !entries.some(([, value]) => isTorchTensor(value));
  const tensors = new Map<string, TorchTensor | FilledArray>();
  for (const [key, value] of entries) {
    if (isTorchTensor(value) || (withArrays && isFilledArray(value))) tensors.set(key, value);
    else if (value instanceof NumpyArray && value.isDeviceTensor && !value.unread)
      throw new UserError(
        `${path} stores ${quote(key)} as a tensor of a TPU or similar device, next to CPU tensors. In Python, move the model to the CPU, then save model.state_dict() with torch.save.`,
      );
    else if (withArrays && value instanceof NumpyArray && value.unread)
      throw new UserError(
        `${path} stores ${quote(key)} as ${value.unread}, which layerwise does not read. Convert it to float32 first.`,
      );
    else if (isUnreadTensor(value) || (value instanceof Unknown && key.includes(".") && !notNetwork.test(key)))
      throw unreadEntry(path, key, value, (name) => map.has(name));
  }
  return tensors;
}

/** Throws {@link UserError} for the empty placeholders that DeepSpeed's ZeRO-3 saves instead of weights. */
function requireElements(
  path: string,
  whole: Dictionary,
  tensors: ReadonlyMap<string, TorchTensor | FilledArray>,
): void {
  if (!["ds_config", "ds_version", "param_shapes"].some((key) => whole.has(key))) return;
  const saved = new Map([...tensors].filter((entry): entry is [string, TorchTensor] => isTorchTensor(entry[1])));
  const shapes = shapesIn(whole.get("param_shapes"));
  const isPlaceholder = (name: string) => {
    const [own, wanted] = [sizeOf(saved.get(name)!.shape), shapes.get(name)];
    return own === 0 || (own === 1 && wanted !== undefined && sizeOf(wanted) > 1);
  };
  const empty = [...new Set([...[...saved.keys()].filter(isPlaceholder), ...placeholdersIn(saved)])];
  if (empty.length)
    throw new UserError(
      `${path} has no elements for ${listSome(empty, 3)}: the weights are in DeepSpeed's ZeRO-3 files in the same folder. Run zero_to_fp32.py, which is in that folder, and give the file that it writes.`,
    );
}

/** DeepSpeed's param_shapes: the shapes of the whole parameters by name, in a dictionary or a list of them. */
function shapesIn(value: unknown): Map<string, readonly number[]> {
  const groups = Array.isArray(value) ? value : [value];
  const isShape = (shape: unknown): shape is number[] => Array.isArray(shape) && shape.every(Number.isInteger);
  return new Map(
    groups
      .filter(isDictionary)
      .flatMap((group) => [...group].flatMap(([name, shape]) => (isShape(shape) ? [[`${name}`, shape] as const] : []))),
  );
}

/** The tensors of a file's other dictionaries, by path. */
function outsideOf(whole: Dictionary, { map, parts = [] }: Found): Map<string, TorchTensor> {
  const own = new Set([map, ...parts.map((part) => part.map)]);
  const others = [...dictionariesIn(whole)].filter((one) => !own.has(one.map));
  return new Map(
    others.flatMap((one) =>
      [...one.map].flatMap(([key, value]) => (isTorchTensor(value) ? [[nameOf([...one.at, `${key}`]), value]] : [])),
    ),
  );
}

/** Notes on which dictionary was used if the file has others, and the copies of it. */
function othersIn(
  path: string,
  whole: Dictionary,
  { map, at, parts = [] }: Found,
): Pick<StateDict, "notes" | "copies"> {
  const own = new Set([map, ...parts.map((part) => part.map)]);
  const names = ownNames(map);
  const copies: string[] = [];
  const alike: string[] = [];
  const others: string[] = [];
  for (const { map: inner, at: place } of placesIn(whole)) {
    if (own.has(inner) || (at.length && nameOf(place) === nameOf(at))) continue;
    const isAround = place.every((key, i) => key === at[i]);
    const large = [...inner].filter(([, value]) => isTensor(value) && sizeOf(shapeOf(value)) > 1);
    if (isAround && !(parts.length && place.length === at.length))
      others.push(...large.map(([key]) => nameOf([...place, `${key}`])));
    else if (large.length) {
      const isAlike = isSame(ownNames(inner), names);
      const isAverage = place.some(isAverageName) && holdsUnderPrefix(inner, names);
      if (isAlike || isAverage || isListOf(inner, map)) copies.push(nameOf(place));
      if (!isAlike) others.push(nameOf(place));
      else alike.push(nameOf(place));
    }
  }
  const used = at.length === 0 ? "the top-level dictionary" : quote(nameOf(at));
  const which = alike.length > 1 ? "which have the same names" : "which has the same names";
  const left = [
    ...(alike.length ? [`${listSome(alike.map(quote), 3)}, ${which}`] : []),
    ...(others.length ? [listSome(others.map(quote), 3)] : []),
  ];
  const tops = new Set(parts.map((part) => part.at[at.length]));
  const together = parts.length
    ? [`${path}: the dictionaries ${listSome([...tops].map(quote), 3)} are treated as parts of one network.`]
    : [];
  if (left.length === 0 && (at.length === 0 || whole.size === 1)) return { notes: together, copies };
  const choice = alike.length ? ` To use ${alike.length > 1 ? "one of them" : "it"}, give --key ${alike[0]}.` : "";
  const note = `${path}: used ${used}${left.length ? `; left out ${left.join(", and ")}` : ""}.${choice}`;
  return { notes: [note, ...together], copies };
}

function severalPlaces(path: string, at: Path, keys: readonly string[], end?: KeyedFile): UserError {
  const places = keys.map((key) => quote(nameOf([...at, key])));
  const together = at.length ? `, all of them with ${keyOption(nameOf(at), end)}` : "";
  return new UserError(
    `${path} contains tensors in several places (${listSome(places, 3)}), and it is not clear which of them is the network. Choose one with ${keyOption("NAME", end)}${together}, or save only model.state_dict() with torch.save.`,
  );
}

/** A whole module instead of a state dict, and its key. */
function moduleIn(value: Dictionary): [Unknown, string] | undefined {
  for (const [key, inner] of value) if (inner instanceof Unknown && inner.isModule) return [inner, `${key}`];
  return undefined;
}

/**
 * Whether a dictionary's key or names are a network's: otherwise, tensors next to whole modules are a score, anchors or
 * a random state.
 */
const isNamedNetwork = ({ map, at }: Found): boolean =>
  at.some((key) => wrappers.includes(key)) || [...ownNames(map)].some((name) => /[./]/.test(name));

/** The whole module next to what was found, if that is not a network. */
function moduleInPlaceOf(whole: Dictionary, found: Found): [Unknown, string?] | undefined {
  if (isNamedNetwork(found)) return undefined;
  const { at } = found;
  for (let depth = 0, outer: unknown = whole; outer instanceof Map; outer = outer.get(at[depth++])) {
    const module = moduleIn(outer);
    if (module) return [module[0], nameOf([...at.slice(0, depth), module[1]])];
  }
  return undefined;
}

/** The error for a value without a state dict. */
function noStateDict(path: string, saved: unknown, end?: KeyedFile): UserError {
  if (saved instanceof Unknown && saved.isModule) return wholeModule(path, saved);
  const value = isListOfDictionaries(saved) ? dictionaryOf(saved) : saved;
  const lists = value instanceof Map ? placesIn(value).map(({ at }) => nameOf(at)) : [];
  if (lists.length)
    return new UserError(
      `${path} stores its tensors in a list (${listSome(lists.map(quote), 3)}), without the names of a state dict. Choose a list with ${keyOption(lists[0], end)}, or save model.state_dict() with torch.save.`,
    );
  const fault = `${path} contains ${describeContents(saved)}, but a state dict (a dictionary of named tensors) is expected`;
  return new UserError(`${fault}. In Python, ${adviceFor([value, ...(value instanceof Map ? value.values() : [])])}.`);
}

const classesIn = (values: readonly unknown[]): string =>
  listSome(new Set(values.flatMap((one) => (one instanceof Unknown ? quote(one.name) : []))), 3);

function describeContents(value: unknown): string {
  if (value instanceof Unknown) return `an object of class ${quote(value.name)}, which was not executed`;
  if (value instanceof Map) {
    if (value.size === 0) return "an empty dictionary";
    const keys = [...value.keys()].map((key) => (typeof key === "string" ? quote(key) : `a ${typeof key}`));
    const classes = classesIn([...value.values()]);
    return `a dictionary with ${classes && `objects of classes ${classes} under `}the keys ${listSome(keys)}`;
  }
  if (Array.isArray(value)) {
    const classes = classesIn(value);
    return `a list or tuple of ${value.length} items${classes && `, with objects of classes ${classes}`}`;
  }
  if (isTorchTensor(value)) return `a single tensor of shape [${value.shape.join(", ")}]`;
  return value === null ? "None" : `a single value (${typeof value})`;
}
