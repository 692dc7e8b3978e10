// Weights in eight bits (FP8, int8) that were converted to floats without applying the scales beside them, as a bare
// `.to(bfloat16)` does. Such a weight means something only together with its scale, so its distance and its average are
// meaningless unless both files have the same scale. Weights that are really floats may have a scale beside them too
// (simulated quantisation), so the elements decide.
import { type Checkpoint, chunksOf, findScale, storedName } from "../../checkpoints/index.ts";
import { isFloating, type Tensor, toNumbers } from "../../core/index.ts";
import { isSame } from "../distance.ts";

/** Number of bytes of a weight whose elements are looked at. */
const beginning = 1 << 16;

export interface Unscaled {
  /** Weights whose scales differ, or which only one file scales, and these scales. */
  readonly apart: ReadonlySet<string>;
  /** Weights that differ but have the same scale in both files. */
  readonly alike: readonly string[];
}

/** Finds such weights in two files with common names. */
export async function findUnscaled(a: Checkpoint, b: Checkpoint): Promise<Unscaled> {
  const apart = new Set<string>();
  const alike: string[] = [];
  for (const { name, dtype, shape } of a.tensors.values()) {
    if (!isFloating(dtype) || shape.length < 2 || !b.tensors.has(name)) continue;
    const [x, y] = [scaleOf(a, name), scaleOf(b, name)];
    if (!((x && (await isOfEightBits(a, name))) || (y && (await isOfEightBits(b, name))))) continue;
    if (x && y && (await areSame(x, y))) {
      if (!(await isSame(chunksOf(a, name), chunksOf(b, name)))) alike.push(name);
      continue;
    }
    apart.add(name);
    const scale = findScale(name, (one) => a.tensors.has(one));
    if (scale) apart.add(scale);
  }
  return { apart, alike };
}

interface Place {
  readonly file: Checkpoint;
  readonly name: string;
}

/** The scale beside a weight in the file, which may not be one of the common names. */
function scaleOf(file: Checkpoint, weight: string): Place | undefined {
  const whole = wholeOf(file);
  const name = findScale(storedName(file, weight), (one) => whole.tensors.has(one));
  return name === undefined ? undefined : { file: whole, name };
}

const wholeOf = (file: Checkpoint): Checkpoint => (file.stored ? wholeOf(file.stored.checkpoint) : file);

async function areSame(x: Place, y: Place): Promise<boolean> {
  const [one, other] = [x, y].map(({ file, name }) => String(file.tensors.get(name)!.shape.filter((size) => size > 1)));
  return one === other && (await isSame(chunksOf(x.file, x.name), chunksOf(y.file, y.name)));
}

async function isOfEightBits(file: Checkpoint, name: string): Promise<boolean> {
  for await (const first of chunksOf(file, name, beginning)) return hasEightBits(first);
  return false;
}

/** The largest number of F8_E5M2. */
const largest = 57344;

/**
 * Whether all elements are numbers of FP8, which has at most three bits after the leading one, or of int8, and they are
 * not all the same.
 */
function hasEightBits(tensor: Tensor): boolean {
  const values = Float32Array.from(toNumbers(tensor));
  const bits = new Uint32Array(values.buffer);
  const isShort = (value: number, i: number) =>
    Math.abs(value) <= largest && ((bits[i] & 0xfffff) === 0 || (Number.isInteger(value) && Math.abs(value) < 256));
  return values.every(isShort) && values.some((value) => value !== values[0]);
}
