// Two or more checkpoints of one network under common names, before anything is read.
import { type Checkpoint, faultOfEmpty, selectTensors } from "../checkpoints/index.ts";
import { isFloating, listSome, sizeOf, UserError } from "../core/index.ts";
import type { Model } from "../models/index.ts";
import { notesOfAverages } from "./averages.ts";
import { type Matched, matchNames, type Named } from "./names.ts";
import { copiesIn, partedIn } from "./naming/copies.ts";
import { withoutOptimiser } from "./naming/optimisers.ts";

/** Groups of names that one of two checkpoints stores as one tensor. */
export const tiedIn = (a: Checkpoint, b: Checkpoint): Model["tied"] => [...(a.tied ?? []), ...(b.tied ?? [])];

/** Two checkpoints under common names. */
export interface Aligned {
  readonly a: Checkpoint;
  readonly b: Checkpoint;
  readonly notes: readonly string[];
  /** Groups of names that a's file holds as one tensor, and b's as several, of which the first two differ; they count as several. */
  readonly parted: readonly (readonly string[])[];
  /** Another file with a's names, such as a copy of it, under the common ones. */
  likeA(file: Checkpoint): Checkpoint;
}

/**
 * Gives two checkpoints of one network common names: a's, without wrappers and a prefix that only one of them has. What only one has, and what is of no average,
 * is left out. A name that only one of them has stays where it is tied to one that both have: Hugging Face's .bin files hold tied tensors under every name, its
 * .safetensors files under one. So does one that is a copy of another. Throws {@link UserError} when names or shapes differ.
 */
export async function alignCheckpoints(
  first: Checkpoint & Pick<Named, "averagedOf">,
  second: Checkpoint,
  tied: Model["tied"] = [],
): Promise<Aligned> {
  for (const file of [first, second]) requireElements(file);
  const [a, b] = [withoutOptimiser(first), withoutOptimiser(second)];
  const [one, other] = await withCopies(a, underNamesOf(a, b), tied);
  const { notes, ...names } = matchNames({ ...one, averagedOf: first.averagedOf }, other, [
    ...tiedIn(one, other),
    ...tied,
  ]);
  const x = renamed(one, names.a);
  const y = renamed(other, names.b, x);
  const parted = await partedIn(x, y);
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
        ...notesOfAverages(a.path, names.a.keys()),
      ]),
    ],
    parted,
    likeA: (file) => renamed(file, within(file, names.a)),
  };
}

/** Both with what is a copy in one, and not in the other, as tied to the weight that it is a copy of; but for what is known to be `tied`. */
async function withCopies(a: Checkpoint, b: Checkpoint, tied: Model["tied"]): Promise<[Checkpoint, Checkpoint]> {
  const marked = async (one: Checkpoint, other: Checkpoint) => {
    const isKnown = (pair: readonly string[]) => tied.some((names) => pair.every((name) => names.includes(name)));
    const copies = (await copiesIn(one, other)).filter((pair) => !isKnown(pair));
    return copies.length ? { ...one, tied: [...(one.tied ?? []), ...copies] } : one;
  };
  return Promise.all([marked(a, b), marked(b, a)]);
}

/** What `marked` holds twice, as was found, and the other file does not. */
function notesOfCopies({ tied: known = [] }: Checkpoint, { path, tied = [] }: Checkpoint, other: Checkpoint): string[] {
  return tied
    .slice(known.length)
    .map(
      ([copy, weight]) =>
        `${copy} in ${path} is equal to ${weight} there, and ${other.path} does not have it: the two are taken as one tensor.`,
    );
}

/** `b` with a's names for tied tensors of which safetensors files keep one name, which need not be the same in both. */
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

/** The names that a file has; of tied ones it may lack some. */
const within = ({ tensors }: Checkpoint, names: ReadonlyMap<string, string>) =>
  new Map([...names].filter(([, own]) => tensors.has(own)));

/** Aligned checkpoints under the names of a model; as they are where none of its names are in them. */
export function alignWithModel({ a, b, notes, parted, likeA }: Aligned, model: Named, tied: Model["tied"]): Aligned {
  let names: Matched;
  try {
    names = matchNames(a, model, tied);
  } catch (error) {
    if (error instanceof UserError) return { a, b, notes, parted, likeA }; // what is wrong is said where the network is known
    throw error;
  }
  const under = (file: Checkpoint) => renamed(file, within(file, names.a));
  const ofFile = names.notes.filter((note) => !note.startsWith(`Only in ${model.path}`)); // counters that the file lacks
  return {
    a: under(a),
    b: under(b),
    notes: [...notes, ...ofFile],
    parted,
    likeA: (file) => under(likeA(file)),
  };
}

/** The checkpoint itself where its names stay; single numbers get the shape that they have in `like`. */
function renamed(file: Checkpoint, names: ReadonlyMap<string, string>, like?: Checkpoint): Checkpoint {
  const shapeOf = (name: string) => like?.tensors.get(name)?.shape;
  const isSame = ([name, own]: [string, string]) => {
    const shape = shapeOf(name);
    return name === own && (shape === undefined || String(shape) === String(file.tensors.get(own)!.shape));
  };
  if (names.size === file.tensors.size && [...names].every(isSame)) return file;
  return selectTensors(file, names, shapeOf);
}

/** Throws {@link UserError} when a checkpoint has names but no weights, or weights of no elements among others. */
function requireElements(file: Checkpoint): void {
  const all = [...file.tensors.values()];
  const areEmpty = all.every(({ shape }) => sizeOf(shape) === 0);
  const names = all.filter(
    ({ name, shape }) => areEmpty || (String(shape) === "0" && /(^|[./])(weight|bias|kernel|embedding)$/.test(name)),
  );
  const fault = faultOfEmpty(
    file,
    names.map(({ name }) => name),
  );
  if (fault) throw new UserError(fault);
  requireFloats(file);
}

/** Throws {@link UserError} where nothing in a file can be a weight. */
function requireFloats({ path, tensors, leftOut = [] }: Checkpoint): void {
  if (tensors.size === 0 || [...tensors.values()].some(({ dtype }) => isFloating(dtype))) return;
  const whole = listSome(
    [...tensors.keys()].map((name) => JSON.stringify(name)),
    3,
  );
  const others = listSome(
    leftOut.map((name) => JSON.stringify(name)),
    3,
  );
  throw new UserError(
    others
      ? `${path} holds no weights: ${others} ${leftOut.length > 1 ? "are" : "is"} of objects or texts, ${whole} of whole numbers. Save each array of weights by its own name, as numpy.savez("weights.npz", **weights) does.`
      : `${path} holds no weights, only whole numbers: ${whole}. Give a checkpoint with weights.`,
  );
}
