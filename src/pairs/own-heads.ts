// Two classifiers whose heads have different sizes: each end keeps its own. The smaller head is filled up with classes that no sample can be of, whose scores
// are so low that they take no part in a loss, and no average holds a head.
import type { Checkpoint } from "../checkpoints/index.ts";
import { type Tensor, tensor, toNumbers, UserError } from "../core/index.ts";
import type { ModelFolder } from "../hub/index.ts";

/** The score of a class that an end does not have. */
const never = -1e30;

export interface OwnHeads {
  /** The end whose head is the larger one: its network takes the weights of both. */
  readonly larger: ModelFolder;
  /** The classes that both have. */
  readonly shared: number;
  readonly note: string;
}

/** What becomes of two heads of different sizes. Throws {@link UserError} where they have no meaning side by side. */
export function keepHeads(a: ModelFolder, b: ModelFolder): OwnHeads {
  const [larger, smaller] = a.network.task.count > b.network.task.count ? [a, b] : [b, a];
  const heads = larger.network.heads ?? [];
  const weights = heads.filter((name) => name.endsWith(".weight"));
  const canFill = weights.length > 0 && weights.every((name) => heads.includes(name.replace(/weight$/, "bias")));
  const [x, y] = [a, b].map(({ network }) => network.task);
  if (x.kind !== "classes" || y.kind !== "classes" || !canFill)
    throw new UserError(
      `${a.path} has ${x.count} labels and ${b.path} has ${y.count}, and only heads of classes can stay each end's own. Give two folders with the same labels.`,
    );
  return {
    larger,
    shared: smaller.network.task.count,
    note: `${a.path} tells ${x.count} classes apart and ${b.path} ${y.count}, so each end keeps its own head (${heads.join(", ")}): it is not averaged.`,
  };
}

/** A file with its head filled up to the shapes of `wanted`. */
export function fillHeads(file: Checkpoint, { network: { parameters, heads = [] } }: ModelFolder): Checkpoint {
  const shapes = new Map(parameters.filter(({ name }) => heads.includes(name)).map(({ name, shape }) => [name, shape]));
  const isFilled = (name: string) => String(shapes.get(name)) !== String(file.tensors.get(name)?.shape);
  const own = [...shapes.keys()].filter(isFilled);
  if (own.length === 0) return file;
  return {
    ...file,
    tensors: new Map(
      [...file.tensors].map(([name, info]) => [name, { ...info, shape: shapes.get(name) ?? info.shape }]),
    ),
    read: async (name) => {
      const stored = await file.read(name);
      return own.includes(name) ? filled(stored, shapes.get(name)!, name.endsWith(".bias") ? never : 0) : stored;
    },
    range: (name) => (own.includes(name) ? undefined : file.range?.(name)),
    readOnly: `${file.path} has a head of another size than the other end, so no copy of it is written here.`,
    rewrite: undefined,
  };
}

/** The tensor with further rows, in float32. */
function filled(stored: Tensor, shape: readonly number[], value: number): Tensor {
  const result = tensor("float32", [...shape]);
  const values = toNumbers(stored) as ArrayLike<number>;
  result.data.fill(value as never, values.length);
  for (let i = 0; i < values.length; i++) result.data[i] = values[i];
  return result;
}
