// Weights that are one tensor though a file holds them twice: some programs write a tied head beside the embedding, others leave it out. What only one file has, and
// is another of its weights element by element, is tied to that; and what one file ties may be two tensors in the other.
import { type Checkpoint, chunksOf, isAverageName } from "../../checkpoints/index.ts";
import { bytesOf, isFloating, sizeOf } from "../../core/index.ts";
import { isOptional } from "../../models/index.ts";
import { levels } from "./spellings.ts";

/** More weights than this that only one file has are a part of another network. */
const mostCopies = 16;
/** Bytes that are compared first. */
const beginning = 1 << 16;

/** Of each weight that only `one` has, and that is equal to one that both have: its name, then the other's. */
export async function copiesIn(one: Checkpoint, other: Checkpoint): Promise<[string, string][]> {
  const isTied = (name: string) => one.tied?.some((names) => names.includes(name)) ?? false;
  const isThere = counterpartsIn(other);
  const weights = [...one.tensors.values()].filter(
    ({ name, dtype, shape }) => isFloating(dtype) && sizeOf(shape) > 1 && !isOptional({ name, shape }),
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

/** Whether a name may be one of a file's, apart from levels and prefixes of either. */
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

/** Whether two tensors of a file are equal, and not of one value only, as many are that have nothing to do with each other. */
async function isCopy(file: Checkpoint, name: string, original: string): Promise<boolean> {
  const begins = await firstOf(file, name);
  if (!begins.equals(await firstOf(file, original))) return false;
  return isEqual(file, name, original, true);
}

async function firstOf(file: Checkpoint, name: string): Promise<Buffer> {
  for await (const piece of chunksOf(file, name, beginning)) return Buffer.from(bytesOf(piece));
  return Buffer.alloc(0);
}

/** Whether two tensors of a file have the same bytes; where asked, more than one value too. */
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

/** Groups of names that `one` holds as one tensor, and `other` as several: the first two of a group differ there. */
export async function partedIn(one: Checkpoint, other: Checkpoint): Promise<string[][]> {
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
