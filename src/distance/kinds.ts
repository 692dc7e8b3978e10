// The kind of every tensor of two files, by the table in models/kinds.ts, and which tensors that are not averaged
// differ. Reads integer tensors, masks and vectors, and the beginning of other tensors with unusual names: a mask has
// its infinities there.
import { type Checkpoint, chunksOf } from "../checkpoints/index.ts";
import { allFinite, type DType, isFloating, listSome, sizeOf, toNumbers } from "../core/index.ts";
import { isAveraged, type Kind, type KindTensor, kindOf, mayBeMask } from "../models/index.ts";
import { isSame, type Pieces, type SumsOf } from "./distance.ts";
import { findUnscaled } from "./naming/scales.ts";
import { noSums } from "./sums.ts";

/** A tensor of a, with what its kind depends on. */
export type PairedTensor = Omit<KindTensor, "isEqual">;

/** A tensor that differs and is not averaged. */
export interface Differing {
  readonly name: string;
  readonly kind: Kind;
  /** Number of elements. */
  readonly size: number;
  /** The end in which all elements are integers, if they are not in the other. */
  readonly intactIn?: "a" | "b";
}

export interface Kinds {
  of(name: string): Kind;
  /** Tensors of kinds that are kept with a note, or refused. */
  readonly differing: readonly Differing[];
  /** Weights of eight bits, stored as floats, that differ but have the same scale in both ends. */
  readonly unscaled?: readonly string[];
}

/** Names that are always weights, by their last component. */
const usual = /(^|[./])(weight|kernel|gamma|beta)(:0)?$/;

export async function kindsOf(tensors: Iterable<PairedTensor>, a: Pieces, b: Pieces): Promise<Kinds> {
  const all = [...tensors];
  const names = new Set(all.map(({ name }) => name));
  const has = (name: string) => names.has(name);
  const kinds = new Map<string, Kind>();
  const differing: Differing[] = [];
  for (const tensor of all) {
    let kind = kindOf(tensor, has);
    if ((kind.name === "weight" || kind.name === "whole") && !usual.test(tensor.name)) {
      const seen = { ...tensor, isInfinite: tensor.isInfinite ?? (await beginsInfinite(a(tensor.name, beginning))) };
      if (mayBeMask(seen, has) && (await isSame(a(tensor.name), b(tensor.name))))
        kind = kindOf({ ...seen, isEqual: true }, has);
    }
    kinds.set(tensor.name, kind);
    if (isAveraged(kind) || kind.differing === "keep") continue;
    if (await isSame(a(tensor.name), b(tensor.name))) continue;
    const intactIn = kind.name === "ids" ? await intactEnd(tensor, a, b) : undefined;
    differing.push({ name: tensor.name, kind, size: sizeOf(tensor.shape), ...(intactIn ? { intactIn } : {}) });
  }
  return { of: (name) => kinds.get(name) ?? kindOf({ name, dtype: "float32", shape: [] }, has), differing };
}

/** Number of bytes searched for infinities. */
const beginning = 1 << 16;

async function beginsInfinite(pieces: ReturnType<Pieces>): Promise<boolean> {
  for await (const first of pieces) return isFloating(first.dtype) && !allFinite(first);
  return false;
}

/** The kinds of the tensors of two state dicts, under the names of a. */
export async function kindsOfFiles(a: Checkpoint, b: Checkpoint): Promise<Kinds> {
  const { apart, alike } = await findUnscaled(a, b);
  const tensors = [...a.tensors.values()].map((t) => ({
    ...t,
    other: b.tensors.get(t.name)?.dtype,
    isUnscaled: apart.has(t.name),
  }));
  const piecesIn = (file: Checkpoint) => (name: string, limit?: number) =>
    file.tensors.has(name) ? chunksOf(file, name, limit) : [];
  const kinds = await kindsOf(tensors, piecesIn(a), piecesIn(b));
  return alike.length ? { ...kinds, unscaled: alike } : kinds;
}

/** Computes the sums only of tensors that are averaged; the others are not read. */
export const averagedSums =
  (sums: SumsOf, { of }: Kinds): SumsOf =>
  async (name) =>
    isAveraged(of(name)) ? sums(name) : noSums;

/** One note for each kind that is not averaged; `fate` describes what happens to a tensor. */
export function notesOfKept(differing: readonly Differing[], fate: (one: Differing) => string): string[] {
  const groups = new Map<string, { plural: string; fate: string; names: string[] }>();
  for (const one of differing) {
    const { plural } = one.kind;
    const key = `${plural} ${fate(one)}`;
    const group = groups.get(key) ?? { plural, fate: fate(one), names: [] };
    groups.set(key, group);
    group.names.push(one.name);
  }
  return [...groups.values()].map(
    ({ plural, fate, names }) =>
      `${plural[0].toUpperCase()}${plural.slice(1)} are not averaged: ${listSome(names, 3)}; ${fate}.`,
  );
}

/** The end whose indices are all integers, if those of the other are not. */
async function intactEnd(
  { name, dtype, other = dtype }: PairedTensor,
  a: Pieces,
  b: Pieces,
): Promise<"a" | "b" | undefined> {
  const areWhole = async (pieces: ReturnType<Pieces>, dtype: DType) => {
    if (!isFloating(dtype)) return true;
    for await (const piece of pieces) if (!toNumbers(piece).every(Number.isInteger)) return false;
    return true;
  };
  const [x, y] = [await areWhole(a(name), dtype), await areWhole(b(name), other)];
  if (x !== y) return x ? "a" : "b";
  return undefined;
}
