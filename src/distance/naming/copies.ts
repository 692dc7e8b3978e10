// Tied weights that a file stores twice: some programs write a tied head as well as the embedding, others omit it. A
// weight that only one file has, and that equals another of its weights, is tied to that one. Weights tied in one file
// may be separate in the other.
import { type Checkpoint, chunksOf, isAverageName } from "../../checkpoints/index.ts";
import { bytesOf, isFloating, sizeOf } from "../../core/index.ts";
import { isOptional } from "../../models/index.ts";
import { levels } from "./spellings.ts";

/** If only one file has more weights than this, they are part of another network. */
const mostCopies = 16;
/** Number of bytes compared first. */
const beginning = 1 << 16;

/** Finds weights that only `one` has and that equal a weight in both: pairs of the copy's name and the weight's. */
export async function findCopies(one: Checkpoint, other: Checkpoint): Promise<[string, string][]> {
  const isTied = (name: string) => one.tied?.some((names) => names.includes(name)) ?? false;
  const isThere = counterpartsIn(other);
  const weights = [...one.tensors.values()].filter(
    ({ name, dtype, shape }) =>
      isFloating(dtype) && sizeOf(shape) > 1 && !isOptional({ name, shape }, (own) => one.tensors.has(own)),
  );
  const only = weights.filter(({ name }) => !isThere(name) && !isTied(name) && !name.split(/[./]/).some(isAverageName));
  if (only.length > mostCopies || only.length === weights.length) return [];
  const found: [string, string][] = [];
  for (const { name, dtype, shape } of only) {
    const alike = weights.filter((w) => w.dtype === dtype && String(w.shape) === String(shape) && isThere(w.name));
    for (const { name: original } of alike)
      if (await isCopy(one, name, original)) {
        found.push([name, original]);
        break;
      }
  }
  return found;
}

/** Whether a file may contain a name, ignoring levels and prefixes of either. */
function counterpartsIn({ tensors }: Checkpoint): (name: string) => boolean {
  const partsOf = (name: string) =>
    name.split(/[./]/).filter((part, i, { length }) => i === length - 1 || !levels.includes(part));
  const endsOf = (parts: readonly string[]) => parts.map((_, i) => parts.slice(i).join("."));
  const all = [...tensors.keys()].map(partsOf);
  const whole = new Set(all.map((parts) => parts.join(".")));
  const ends = new Set(all.flatMap(endsOf));
  return (name) => {
    const parts = partsOf(name);
    return ends.has(parts.join(".")) || endsOf(parts).some((end) => whole.has(end));
  };
}

/** Whether two tensors of a file are equal and not constant: constant tensors are often equal by chance. */
async function isCopy(file: Checkpoint, name: string, original: string): Promise<boolean> {
  const begins = await firstOf(file, name);
  if (!begins.equals(await firstOf(file, original))) return false;
  return isEqual(file, name, original, true);
}

async function firstOf(file: Checkpoint, name: string): Promise<Buffer> {
  for await (const piece of chunksOf(file, name, beginning)) return Buffer.from(bytesOf(piece));
  return Buffer.alloc(0);
}

/** Whether two tensors of a file have the same bytes and, if `ofSeveralValues`, more than one value. */
async function isEqual(file: Checkpoint, name: string, other: string, ofSeveralValues = false): Promise<boolean> {
  const pieces = chunksOf(file, other);
  let first: unknown;
  let varies = !ofSeveralValues;
  for await (const piece of chunksOf(file, name)) {
    const { value } = await pieces.next();
    if (!value || !Buffer.from(bytesOf(piece)).equals(bytesOf(value))) return false;
    first ??= piece.data[0];
    varies ||= piece.data.some((x: number | bigint) => x !== first);
  }
  return varies;
}

/** Groups of names that are one tensor in `one` but several in `other`; the first two of a group differ there. */
export async function findParted(one: Checkpoint, other: Checkpoint): Promise<string[][]> {
  const parted: string[][] = [];
  for (const group of one.tied ?? []) {
    const [own, ...others] = group.filter((name) => other.tensors.has(name));
    for (const name of others)
      if (
        !other.tied?.some((names) => names.includes(own) && names.includes(name)) &&
        !(await isEqual(other, own, name))
      ) {
        parted.push([...new Set([own, name, ...group])]);
        break;
      }
  }
  return parted;
}
