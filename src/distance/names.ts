// Matches the tensors of one network in two files by name, before anything is read. Only one file may have wrappers, a
// common prefix, counters or single numbers. Tensors are matched only by name, and only if all weights match.
import { keyOption } from "../checkpoints/index.ts";
import { isFloating, listSome, sizeOf, UserError } from "../core/index.ts";
import { hasFreeSize, isOptional } from "../models/index.ts";
import { findHint, findShifted } from "./naming/hints.ts";
import {
  type AveragedOf,
  holders,
  type Named,
  type Renamed,
  underNamesOf,
  withOldNorms,
  withoutLevels,
  withoutParallel,
  withWeightOfNorms,
} from "./naming/spellings.ts";

export type { AveragedOf, Named };

type Tied = readonly (readonly string[])[];

export interface Matched {
  /** The name in each file by common name; a tied tensor may be in only one of them. */
  readonly a: ReadonlyMap<string, string>;
  readonly b: ReadonlyMap<string, string>;
  readonly notes: readonly string[];
}

/**
 * Matches the tensors of two files by name. Throws {@link UserError} if the networks differ, or the match is ambiguous.
 * @param tied groups of names that are one tensor, in the files' own names
 */
export function matchNames(a: Named, b: Named, tied: Tied = []): Matched {
  const [x, y] = [unrenamed(a), unrenamed(b)];
  if (isOneNetwork(x, y, tied)) return matched(x, y, tied);
  for (const prefix of holders) {
    const [one, other] = [within(x, prefix), within(y, prefix)];
    const isWhole = one.outside.length === 0 || other.outside.length === 0; // one file has only this part
    if (!isWhole || !isMost(one) || !isMost(other) || !isOneNetwork(one, other, tied)) continue;
    requireNoHead(one, other);
    return matched(one, other, tied);
  }
  const [bareX, bareY] = [withoutParallel(x), withoutParallel(y)];
  if (isOneNetwork(bareX, bareY, tied)) return matched(bareX, bareY, tied);
  const [oldX, oldY] = [withOldNorms(bareX), withOldNorms(bareY)];
  if (isOneNetwork(oldX, oldY, tied)) return matched(oldX, oldY, tied);
  const [normX, normY] = [withWeightOfNorms(oldX), withWeightOfNorms(oldY)];
  if (isOneNetwork(normX, normY, tied)) return matched(normX, normY, tied);
  const own = new Set([...weightsOf(y), ...weightsOf(bareY)]);
  // otherwise prefixes are not tried
  const isApart = ![x, bareX].some((one) => weightsOf(one).some((name) => own.has(name)));
  const pairs = [
    [x, y],
    [bareX, bareY],
    [normX, normY],
  ] as const;
  for (const candidates of isApart ? [withoutPrefix, withoutPrefixes] : [])
    for (const pair of pairs) {
      const fitting = candidates(...pair).filter(([one, other]) => isOneNetwork(one, other, tied));
      if (fitting.length > 1) throw severalPrefixes(fitting.map(([one, other]) => (one.prefix ? one : other)));
      for (const [one, other] of fitting) {
        for (const end of [one, other]) requireMost(end);
        return matched(one, other, tied);
      }
    }
  const [partsX, partsY] = [withoutLevels(normX), withoutLevels(normY)];
  if (isOneNetwork(partsX, partsY, tied)) {
    const found = matched(underNamesOf(partsX, partsX), underNamesOf(partsY, partsX), tied);
    return { ...found, notes: [...notesOfLevels(a, b, found), ...found.notes] };
  }
  throw different(...nearestOf(isApart ? [[x, y], ...withoutPrefix(bareX, bareY)] : [[x, y]], tied), tied);
}

/** The pair of files, under one name or another, with the most names in common. */
function nearestOf(pairs: readonly [Renamed, Renamed][], tied: Tied): [Renamed, Renamed] {
  const common = new Map(pairs.map((pair) => [pair, differenceOf(...pair, tied).common]));
  return pairs.reduce((best, pair) => (common.get(pair)! > common.get(best)! ? pair : best));
}

const unrenamed = (file: Named): Renamed => ({
  file,
  names: new Map([...file.tensors.keys()].map((name) => [name, name])),
  prefix: "",
  outside: [],
});

/**
 * Whether a tensor must be in both files: not single numbers, which may be counters, masks and rotary frequencies,
 * which a network computes, nor the queues of its training.
 */
const isWeight = ({ tensors }: Named, own: string): boolean => {
  const { dtype, shape } = tensors.get(own)!;
  return isFloating(dtype) && sizeOf(shape) > 1 && !isOptional({ name: own, shape }, (name) => tensors.has(name));
};

const weightsOf = ({ file, names }: Renamed): string[] =>
  [...names].filter(([, own]) => isWeight(file, own)).map(([name]) => name);

/** Candidates without a prefix that only one of them has. */
function withoutPrefix(x: Renamed, y: Renamed): [Renamed, Renamed][] {
  const more = (one: Renamed, other: Renamed) => prefixesOf(one, other).map((prefix) => cut(one, prefix));
  return [
    ...more(x, y).map((one): [Renamed, Renamed] => [one, y]),
    ...more(y, x).map((one): [Renamed, Renamed] => [x, one]),
  ];
}

/**
 * Candidates without a different prefix each, as short as possible; only generic prefixes, since an encoder is not a
 * decoder.
 */
function withoutPrefixes(x: Renamed, y: Renamed): [Renamed, Renamed][] {
  const [own, others] = [x, y].map((one) => commonPrefixes(weightsOf(one)));
  return own
    .flatMap((p) => others.map((q): [Renamed, Renamed] => [cut(x, p), cut(y, q)]))
    .filter(([one, other]) => isSameSet(weightsOf(one), weightsOf(other)))
    .slice(0, 1);
}

const isSameSet = (x: readonly string[], y: readonly string[]): boolean => {
  const all = new Set(x);
  return x.length === y.length && y.every((name) => all.has(name));
};

/** Prefixes that the names of `other` may have in `one`, judged by two of its weights. */
function prefixesOf(one: Renamed, other: Renamed): string[] {
  const wanted = weightsOf(other);
  const own = weightsOf(one);
  const prefixes = new Set<string>();
  for (const weight of [wanted[0], wanted.at(-1)])
    for (const name of own)
      if (weight !== undefined && name.endsWith(weight) && /[./]$/.test(name.slice(0, -weight.length)))
        prefixes.add(name.slice(0, -weight.length));
  return [...prefixes];
}

/** Generic prefixes that all names have in common, the shortest first. */
function commonPrefixes(names: readonly string[]): string[] {
  const [first = ""] = names;
  const ends = [...first.matchAll(/[./]/g)].map(({ index }) => first.slice(0, index + 1));
  const isHolder = (prefix: string) => prefix.split(".").every((part) => part === "" || holders.includes(`${part}.`));
  return ends.filter((prefix) => isHolder(prefix) && names.every((name) => name.startsWith(prefix)));
}

function cut(renamed: Renamed, prefix: string): Renamed {
  const all = [...renamed.names];
  const inside = all.filter(([name]) => name.length > prefix.length && name.startsWith(prefix));
  const names = new Map(inside.map(([name, own]) => [name.slice(prefix.length), own]));
  const isIn = new Set(names.values());
  const isTied = (own: string) =>
    renamed.file.tied?.some((group) => group.includes(own) && group.some((o) => isIn.has(o)));
  const outside = all.filter(([name]) => !name.startsWith(prefix) && isWeight(renamed.file, renamed.names.get(name)!));
  const tied = outside.filter(([name, own]) => isTied(own) && !names.has(name));
  return {
    ...renamed,
    names: new Map([...names, ...tied]),
    prefix,
    outside: outside.filter((entry) => !tied.includes(entry)).map(([, own]) => own),
  };
}

/** Only the names under a prefix, which they keep. */
function within(renamed: Renamed, prefix: string): Renamed {
  const part = cut(renamed, prefix);
  const names = new Map([...renamed.names].filter(([name]) => name.length > prefix.length && name.startsWith(prefix)));
  return { ...part, names, isKept: true };
}

interface Difference {
  readonly onlyA: readonly string[];
  readonly onlyB: readonly string[];
  /** Common names whose shapes differ. */
  readonly unlike: readonly string[];
  readonly common: number;
}

/** Weights in only one of two files, unless they are tied to one in both. */
function onlyIn(one: Renamed, other: Renamed, tied: Tied): string[] {
  const groups = tied.map((names) => new Set(names));
  const isTied = (name: string) => {
    const own = one.names.get(name)!;
    return groups.some(
      (group) => group.has(own) && [...one.names].some(([same, stored]) => group.has(stored) && other.names.has(same)),
    );
  };
  return weightsOf(one).filter((name) => !other.names.has(name) && !isTied(name));
}

/** Differences between the networks: averaged weights in only one file, and shapes of averaged tensors. */
function differenceOf(a: Renamed, b: Renamed, tied: Tied): Difference {
  const averagedIn = (one: Renamed) => {
    const { averagedOf } = a.file;
    if (!averagedOf) return () => true;
    const averagedWith = (prefix: string) => {
      const averaged = averagedOf([...one.names.keys()].map((name) => ({ ...infoOf(one, name), name: prefix + name })));
      return { size: averaged.size, has: (name: string) => averaged.has(prefix + name) };
    };
    const bare = averagedWith("");
    if (a.prefix === "" || a.isKept) return bare.has;
    // the user may give names with the prefix that a's file has
    const full = averagedWith(a.prefix);
    return full.size < bare.size ? full.has : bare.has;
  };
  const [isAveragedA, isAveragedB] = [averagedIn(a), averagedIn(b)];
  const common = [...a.names.keys()].filter((name) => b.names.has(name));
  const unlike = common.filter((name) => {
    if (!isAveragedA(name)) return false;
    if (String(infoOf(a, name).shape) === String(infoOf(b, name).shape)) return false;
    return !(isSingle(a, name) && isSingle(b, name)) && !(mayVary(a, name) && mayVary(b, name));
  });
  return {
    onlyA: onlyIn(a, b, tied).filter(isAveragedA),
    onlyB: onlyIn(b, a, tied).filter(isAveragedB),
    unlike,
    common: common.length,
  };
}

const infoOf = ({ file, names }: Renamed, name: string) => file.tensors.get(names.get(name)!)!;
const isSingle = (one: Renamed, name: string) => sizeOf(infoOf(one, name).shape) === 1;
const mayVary = (one: Renamed, name: string) =>
  hasFreeSize({ ...infoOf(one, name), name: one.names.get(name)! }, (own) => one.file.tensors.has(own));

function isOneNetwork(a: Renamed, b: Renamed, tied: Tied): boolean {
  const { onlyA, onlyB, unlike, common } = differenceOf(a, b, tied);
  const isEmpty = a.names.size === 0 && b.names.size === 0;
  return onlyA.length + onlyB.length + unlike.length === 0 && (common > 0 || isEmpty);
}

/** The common names and notes. Tensors of only one file are left out, except tied ones. */
function matched(a: Renamed, b: Renamed, tied: Tied): Matched {
  const common = new Set([...a.names.keys()].filter((name) => b.names.has(name)));
  const isLike = (name: string) =>
    String(infoOf(a, name).shape) === String(infoOf(b, name).shape) || (isSingle(a, name) && isSingle(b, name));
  const apart = new Map([
    [a, new Set(onlyIn(a, b, tied))],
    [b, new Set(onlyIn(b, a, tied))],
  ]);
  const keep = (one: Renamed, other: Renamed) =>
    new Map(
      [...one.names].filter(([name, own]) =>
        other.names.has(name) ? isLike(name) : isWeight(one.file, own) && !apart.get(one)!.has(name),
      ),
    );
  const extra = (one: Renamed, other: Renamed) =>
    [...one.names].filter(([name, own]) => !other.names.has(name) && !isWeight(one.file, own)).map(([, own]) => own);
  const unlike = [...common].filter((name) => !isLike(name));
  const notes = [noteOfPrefix(a, b), noteOfPrefix(b, a), noteOfNorms(a, b)].flat();
  for (const [one, other] of [
    [a, b],
    [b, a],
  ]) {
    const names = extra(one, other);
    if (names.length)
      notes.push(
        `Only in ${one.file.path}, left unchanged: ${listSome(names, 3)} (${describeExtra(one.file, names)}).`,
      );
    const weights = apart.get(one)!;
    if (weights.size) notes.push(`Only in ${one.file.path}, and not averaged: ${listSome(weights, 3)}.`);
  }
  if (unlike.length)
    notes.push(`Different shapes in ${a.file.path} and ${b.file.path}, left unchanged: ${listSome(unlike, 3)}.`);
  return { a: keep(a, b), b: keep(b, a), notes };
}

/** Describes tensors that only one file has. */
const describeExtra = ({ tensors }: Named, names: readonly string[]): string =>
  names.every((name) => !isFloating(tensors.get(name)!.dtype) || sizeOf(tensors.get(name)!.shape) <= 1)
    ? "counters, masks or single numbers"
    : "counters, masks, single numbers, computed values or buffers of training";

function noteOfPrefix({ file: { path }, prefix, isKept, outside }: Renamed, { file: other }: Renamed): string[] {
  if (prefix === "" || (isKept && outside.length === 0)) return [];
  if (isKept) return [`Outside ${JSON.stringify(prefix)} in ${path}, left unchanged: ${listSome(outside, 3)}.`];
  const rest = outside.length ? ` Outside it, left unchanged: ${listSome(outside, 3)}.` : "";
  return [`The names in ${path} start with ${JSON.stringify(prefix)}, but those in ${other.path} do not.${rest}`];
}

function noteOfNorms(a: Renamed, b: Renamed): string[] {
  const isRenamed = ({ names }: Renamed) =>
    [...names].some(([name, own]) => /gamma$/.test(own) && /weight$/.test(name));
  if (isRenamed(a) === isRenamed(b)) return [];
  const [old, other] = isRenamed(a) ? [a, b] : [b, a];
  return [
    `gamma and beta of the normalisation layers in ${old.file.path} correspond to weight and bias in ${other.file.path}.`,
  ];
}

function notesOfLevels({ path }: Named, { path: other }: Named, { a, b }: Matched): string[] {
  const renamed = [...a].find(([common, own]) => b.has(common) && b.get(common) !== own);
  if (!renamed) return [];
  const [name, own] = renamed;
  return [
    `The names in ${path} and ${other} nest the same parts differently, as different versions of a library do: ${own} corresponds to ${b.get(name)}.`,
  ];
}

/** Whether the part under a prefix is at least as large as the rest. */
function isMost({ file, names, outside }: Renamed): boolean {
  const size = (own: Iterable<string>) =>
    [...own].reduce((sum, name) => sum + sizeOf(file.tensors.get(name)!.shape), 0);
  return names.size > 0 && size(outside) <= size(names.values());
}

/** Throws {@link UserError} if most of a file is outside a prefix: the part under it is not the network. */
function requireMost(renamed: Renamed): void {
  if (isMost(renamed)) return;
  const { file, prefix, outside } = renamed;
  throw new UserError(
    `${file.path} has the other file's names under ${JSON.stringify(prefix)}, but most of its weights are outside it: ${listSome(outside, 3)}. To use that part, choose it with ${keyOption(keyOf(prefix), file.end)}.`,
  );
}

/** Whether the first component of a name is a head, which turns features into outputs; a loss has other names. */
const isHead = (own: string) =>
  /^(?:\w*heads?|classifier|aux_classifier|score|qa_outputs|embed_out|cls|fc|logits)[./]/i.test(own);

/** Throws {@link UserError} if only one file has a head outside the prefix that both have. */
function requireNoHead(a: Renamed, b: Renamed): void {
  for (const [one, other] of [
    [a, b],
    [b, a],
  ]) {
    const heads = one.outside.filter(isHead);
    if (heads.length)
      throw new UserError(
        `${one.file.path} has a head outside the part ${JSON.stringify(one.prefix)}, but ${other.file.path} has none: ${listSome(heads, 3)}. Give two checkpoints of one architecture, or choose only that part with --key ${keyOf(one.prefix)}.`,
      );
  }
}

const keyOf = (prefix: string) => prefix.slice(0, -1);

function severalPrefixes(places: readonly Renamed[]): UserError {
  const { path, end } = places[0].file;
  const keys = places.map(({ prefix }) => keyOf(prefix));
  return new UserError(
    `${path} has the other file's names in several places (${listSome(keys.map((key) => JSON.stringify(key)))}). Choose one, such as ${keyOption(keys[0], end)}.`,
  );
}

/** Two checkpoints without a common name. */
export class NothingInCommon extends UserError {}

function different(a: Renamed, b: Renamed, tied: Tied): UserError {
  const { onlyA, onlyB, unlike, common } = differenceOf(a, b, tied);
  const [x, y] = [a.file.path, b.file.path];
  const shifted = findShifted([...a.names.keys()], onlyA, onlyB);
  const others = shifted
    ? ` Numbers in the names are counted differently (${shifted.join(" and ")}), so equal names may be different layers: rename them in one file so that each layer has one name.`
    : common > 0 && !a.file.averagedOf
      ? " To average only layers that both have, use merge --layers with base a."
      : "";
  const graph = [a.file, b.file].filter(({ format }) => format === "onnx");
  const isGraphInOne = graph.length === 1;
  const advice = isGraphInOne
    ? `${graph[0].path} is a graph: exporters rename weights that they transpose or fold, store equal ones once and drop biases of zeros. Give two graphs, or the checkpoint that the graph was exported from.`
    : "Give two checkpoints of one architecture.";
  if (onlyA.length || onlyB.length || common === 0) {
    const all = ({ file, names, outside }: Renamed, only: readonly string[]) => {
      const some = common === 0 ? [...names.values()] : [...outside, ...only.map((name) => names.get(name)!)];
      return some.length ? ` Only in ${file.path}: ${listSome(some)}.` : "";
    };
    const namesOf = ({ file, names }: Renamed) => ({ path: file.path, names: [...names.keys()] });
    const hint = findHint(namesOf(a), namesOf(b));
    if (hint) return new UserError(hint);
    const Fault = common === 0 ? NothingInCommon : UserError;
    return new Fault(
      `${isGraphInOne ? `The names in ${x} and ${y} differ.` : "The two checkpoints contain different networks."}${all(a, onlyA)}${all(b, onlyB)} ${advice}${others}`,
    );
  }
  const some = unlike.map((name) => `${name} is [${infoOf(a, name).shape}] and [${infoOf(b, name).shape}]`);
  return new UserError(`The shapes in ${x} and ${y} differ: ${listSome(some, 3)}. ${advice}${others}`);
}
