// Gives two or more checkpoints of one network common names, before any tensor is read.
import {
  type Checkpoint,
  describeEmptyTensors,
  describePlaceholders,
  selectTensors,
  unreadDtype,
} from "../checkpoints/index.ts";
import { isFloating, listSome, sizeOf, UserError } from "../core/index.ts";
import type { Model } from "../models/index.ts";
import { notesOfAverages, withoutAverages } from "./averages.ts";
import { type Matched, matchNames, type Named } from "./names.ts";
import { findCopies, findParted } from "./naming/copies.ts";
import { withoutOptimiser } from "./naming/optimisers.ts";

/** Groups of names that are one tensor in at least one of the checkpoints. */
export const tiedIn = (a: Checkpoint, b: Checkpoint): Model["tied"] => [...(a.tied ?? []), ...(b.tied ?? [])];

/** Two checkpoints under common names. */
export interface Aligned {
  readonly a: Checkpoint;
  readonly b: Checkpoint;
  readonly notes: readonly string[];
  /**
   * Groups of names that are one tensor in a's file but several in b's, where the first two differ. They count as
   * several.
   */
  readonly parted: readonly (readonly string[])[];
  /** Another file with a's names, such as a copy, under the common names. */
  likeA(file: Checkpoint): Checkpoint;
}

/**
 * Gives two checkpoints of one network common names: a's, without wrappers and without a prefix that only one of them
 * has. Tensors of only one file are left out if they are not averaged. A name in only one file stays if it is tied to,
 * or a copy of, a tensor in both: Hugging Face's .bin files store tied tensors under every name, its .safetensors files
 * under one. Throws {@link UserError} if names or shapes differ.
 */
export async function alignCheckpoints(
  first: Checkpoint & Pick<Named, "averagedOf">,
  second: Checkpoint,
  tied: Model["tied"] = [],
): Promise<Aligned> {
  for (const file of [first, second]) requireElements(file);
  const [own, others] = [withoutOptimiser(first), withoutOptimiser(second)];
  const [a, b] = [withoutAverages(own, others), withoutAverages(others, own)];
  const [one, other] = await withCopies(a, underNamesOf(a, b), tied);
  const { notes, ...names } = matchNames({ ...one, averagedOf: first.averagedOf }, other, [
    ...tiedIn(one, other),
    ...tied,
  ]);
  const x = renamed(one, names.a);
  const y = renamed(other, names.b, x);
  const parted = await findParted(x, y);
  const isParted = (group: readonly string[]) => parted.some((names) => names.every((name) => group.includes(name)));
  const copies = [...notesOfCopies(a, one, other), ...notesOfCopies(b, other, one)];
  return {
    a: parted.length ? { ...x, tied: x.tied?.filter((group) => !isParted(group)) } : x,
    b: y,
    notes: [
      ...new Set([
        ...(a.notes ?? []),
        ...(b.notes ?? []),
        ...notes,
        ...copies,
        ...notesOfAverages(a.path, names.a.keys(), (name) => sizeOf(x.tensors.get(name)!.shape) === 1),
      ]),
    ],
    parted,
    likeA: (file) => renamed(file, within(file, names.a)),
  };
}

/**
 * Both checkpoints; a tensor in only one of them that is a copy of another weight is tied to it, unless already in
 * `tied`.
 */
async function withCopies(a: Checkpoint, b: Checkpoint, tied: Model["tied"]): Promise<[Checkpoint, Checkpoint]> {
  const marked = async (one: Checkpoint, other: Checkpoint) => {
    const isKnown = (pair: readonly string[]) => tied.some((names) => pair.every((name) => names.includes(name)));
    const copies = (await findCopies(one, other)).filter((pair) => !isKnown(pair));
    return copies.length ? { ...one, tied: [...(one.tied ?? []), ...copies] } : one;
  };
  return Promise.all([marked(a, b), marked(b, a)]);
}

/** Notes about the copies that {@link withCopies} found. */
function notesOfCopies({ tied: known = [] }: Checkpoint, { path, tied = [] }: Checkpoint, other: Checkpoint): string[] {
  return tied
    .slice(known.length)
    .map(
      ([copy, weight]) =>
        `${copy} and ${weight} are equal in ${path}, and ${other.path} does not contain ${copy}: they are treated as one tensor.`,
    );
}

/** `b` with a's names for tied tensors: safetensors files keep one name of several, not always the same one. */
function underNamesOf(a: Checkpoint, b: Checkpoint): Checkpoint {
  if (!a.aliases && !b.aliases) return b;
  const aliases = new Map<string, string[]>(); // in a, by the name that is kept
  for (const [alias, kept] of a.aliases ?? []) aliases.set(kept, [...(aliases.get(kept) ?? []), alias]);
  const names = new Map([...b.tensors.keys()].map((name) => [name, name]));
  for (const name of a.tensors.keys()) {
    if (b.tensors.has(name)) continue;
    const kept = [name, ...(aliases.get(name) ?? [])]
      .map((one) => (b.tensors.has(one) ? one : b.aliases?.get(one)))
      .find((one) => one !== undefined && !a.tensors.has(one));
    if (kept === undefined || !names.delete(kept)) continue;
    names.set(name, kept);
  }
  return [...names].every(([name, own]) => name === own) ? b : selectTensors(b, names);
}

/** The names that a file contains; it may lack some names of tied tensors. */
const within = ({ tensors }: Checkpoint, names: ReadonlyMap<string, string>) =>
  new Map([...names].filter(([, own]) => tensors.has(own)));

/** Aligned checkpoints under the names of a model; unchanged if they contain none of its names. */
export function alignWithModel({ a, b, notes, parted, likeA }: Aligned, model: Named, tied: Model["tied"]): Aligned {
  let names: Matched;
  try {
    names = matchNames(a, model, tied);
  } catch (error) {
    if (error instanceof UserError) return { a, b, notes, parted, likeA }; // reported later, where the network is known
    throw error;
  }
  const under = (file: Checkpoint) => renamed(file, within(file, names.a));
  // counters that the file lacks
  const ofFile = names.notes.filter((note) => !note.startsWith(`Only in ${model.path}`));
  return {
    a: under(a),
    b: under(b),
    notes: [...notes, ...ofFile],
    parted,
    likeA: (file) => under(likeA(file)),
  };
}

/**
 * The checkpoint under other names; single numbers get their shape in `like`. Returns the checkpoint itself if nothing
 * changes.
 */
function renamed(file: Checkpoint, names: ReadonlyMap<string, string>, like?: Checkpoint): Checkpoint {
  const shapeOf = (name: string) => like?.tensors.get(name)?.shape;
  const isSame = ([name, own]: [string, string]) => {
    const shape = shapeOf(name);
    return name === own && (shape === undefined || String(shape) === String(file.tensors.get(own)!.shape));
  };
  if (names.size === file.tensors.size && [...names].every(isSame)) return file;
  return selectTensors(file, names, shapeOf);
}

/** Throws {@link UserError} if all tensors, or some weights, have no elements or are placeholders. */
function requireElements(file: Checkpoint): void {
  const all = [...file.tensors.values()];
  const areEmpty = all.every(({ shape }) => sizeOf(shape) === 0);
  const names = all.filter(
    ({ name, shape }) => areEmpty || (String(shape) === "0" && /(^|[./])(weight|bias|kernel|embedding)$/.test(name)),
  );
  const fault =
    describeEmptyTensors(
      file,
      names.map(({ name }) => name),
    ) ?? describePlaceholders(file);
  if (fault) throw new UserError(fault);
  requireFloats(file);
}

/** Throws {@link UserError} if no tensor in the file can be a weight, or if one that may be a weight is not read. */
function requireFloats({ path, tensors, leftOut = new Map() }: Checkpoint): void {
  for (const [name, dtype] of leftOut)
    if (dtype) throw unreadDtype(`${path} cannot be read: its array ${JSON.stringify(name)}`, dtype);
  if (tensors.size === 0 || [...tensors.values()].some(({ dtype }) => isFloating(dtype))) return;
  const whole = listSome(
    [...tensors.keys()].map((name) => JSON.stringify(name)),
    3,
  );
  const others = listSome(
    [...leftOut.keys()].map((name) => JSON.stringify(name)),
    3,
  );
  throw new UserError(
    others
      ? `${path} contains no weights, only objects or strings (${others}) and integers (${whole}). Save each weight array under its name with numpy.savez("weights.npz", **weights).`
      : `${path} contains no weights, only integers: ${whole}. Give a checkpoint with weights.`,
  );
}
