// One end of a pair: a checkpoint whose tensors are read on demand. Opening reads every tensor once, to find which are
// finite and which are constant, and to compute a digest of each (equal digests identify tied tensors).
import { type Checkpoint, notFinite, type TensorInfo, tensorsOf } from "../checkpoints/index.ts";
import {
  brokenIn,
  bytesPerElement,
  type Inspection,
  inspect,
  sha256Files,
  sizeOf,
  type Tensor,
} from "../core/index.ts";
import type { Model } from "../models/index.ts";

export interface End {
  readonly path: string;
  /** The hash of all its files. */
  readonly sha256: string;
  readonly tensors: ReadonlyMap<string, Omit<TensorInfo, "name">>;
  /** Reads a tensor; a large checkpoint is read from the file each time. */
  read(name: string): Promise<Tensor>;
  /** The name of a tensor in the file; undefined for a constant of its graph, and a bias that the graph lacks. */
  placeOf(name: string): string | undefined;
  /** The biases that its graph lacks, which are zeros. */
  readonly dropped?: readonly string[];
  /** Equal for tensors with the same dtype, shape and elements. */
  digestOf(name: string): string;
  /** True when all elements are equal. */
  isConstant(name: string): boolean;
  /** True when no element is NaN or infinite. */
  isFinite(name: string): boolean;
}

/** Checkpoints up to this size in bytes are kept in memory; larger ones are read again each time. */
const mostKept = 1 << 26;

/** Opens an end over a file. */
export async function openEnd(file: Checkpoint): Promise<End> {
  const sha256 = sha256Files(file.files); // in separate threads
  sha256.catch(() => {}); // awaited below
  const bytes = [...file.tensors.values()].reduce((sum, t) => sum + sizeOf(t.shape) * bytesPerElement(t.dtype), 0);
  const kept = bytes <= mostKept ? new Map<string, Tensor>() : undefined;
  const found = new Map<string, Inspection>();
  for await (const [name, tensor] of tensorsOf(file)) {
    kept?.set(name, tensor);
    found.set(name, inspect(tensor));
  }
  const read = async (name: string) => kept?.get(name) ?? file.read(name);
  return endOf(file.path, await sha256, file.tensors, read, found);
}

/** Opens two ends in parallel. Errors of the first are reported first. */
export async function openTwoEnds(files: readonly [Checkpoint, Checkpoint]) {
  const opening = files.map(openEnd);
  for (const end of opening) end.catch(() => {}); // awaited below, one after the other
  return [await opening[0], await opening[1]] as const;
}

/** Throws {@link UserError} if an end has a NaN, or an infinity that the other does not have at the same index. */
export async function requireFinite(a: End, b: End): Promise<void> {
  const broken: readonly [string[], string[]] = [[], []];
  for (const name of new Set([...a.tensors.keys(), ...b.tensors.keys()])) {
    const there = [a, b].map((end) => end.tensors.has(name));
    const fine = [a, b].map((end, i) => !there[i] || end.isFinite(name));
    if (fine[0] && fine[1]) continue;
    const isBroken =
      there[0] && there[1] ? brokenIn(await a.read(name), await b.read(name)) : fine.map((isFine) => !isFine);
    isBroken.forEach((is, i) => {
      if (is) broken[i].push(name);
    });
  }
  for (const [i, { path }] of [a, b].entries()) if (broken[i].length) throw notFinite(path, broken[i]);
}

/** An end with tensors in memory, named `path`. */
export function endInMemory(path: string, tensors: ReadonlyMap<string, Tensor>): End {
  const found = new Map([...tensors].map(([name, tensor]) => [name, inspect(tensor)]));
  return endOf(path, "", tensors, async (name) => tensors.get(name)!, found);
}

function endOf(
  path: string,
  sha256: string,
  tensors: End["tensors"],
  read: End["read"],
  inspected: ReadonlyMap<string, Inspection>,
): End {
  return {
    path,
    sha256,
    tensors,
    read,
    placeOf: (name) => name,
    digestOf(name) {
      const { dtype, shape } = tensors.get(name)!;
      return `${dtype}[${shape}] ${inspected.get(name)!.digest}`;
    },
    isConstant: (name) => inspected.get(name)!.constant,
    isFinite: (name) => inspected.get(name)!.finite,
  };
}

/** The end with its tensors under other names; `stored` maps each to its name in the file. */
export function renameEnd(end: End, stored: ReadonlyMap<string, string>): End {
  const place = (name: string) => stored.get(name)!;
  return {
    ...end,
    tensors: new Map([...stored].map(([name, from]) => [name, end.tensors.get(from)!])),
    read: (name) => end.read(place(name)),
    placeOf: (name) => end.placeOf(place(name)),
    digestOf: (name) => end.digestOf(place(name)),
    isConstant: (name) => end.isConstant(place(name)),
    isFinite: (name) => end.isFinite(place(name)),
  };
}

/** Adds the missing names of an end's tied tensors. */
export function fillTied(end: End, tied: Model["tied"]): End {
  const stored = new Map([...end.tensors.keys()].map((name) => [name, name]));
  for (const names of tied) {
    const there = names.find((name) => end.tensors.has(name));
    for (const name of names) if (there && !stored.has(name)) stored.set(name, there);
  }
  return renameEnd(end, stored);
}

/** Uses for all names of a tied tensor the last one in the file. Adds a note if copies differ. */
export function shareTied(end: End, tied: Model["tied"], notes: string[]): End {
  const stored = new Map([...end.tensors.keys()].map((name) => [name, name]));
  for (const names of tied) {
    const there = names.filter((name) => end.tensors.has(name));
    const last = there.at(-1)!;
    const unlike = there.filter((name) => end.digestOf(name) !== end.digestOf(last));
    if (unlike.length)
      notes.push(`In ${end.path}, ${unlike.join(", ")} should be tied to ${last} but differs; ${last} is used.`);
    for (const name of names) stored.set(name, last);
  }
  return renameEnd(end, stored);
}
