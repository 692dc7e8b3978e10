// Two classifiers with heads of different sizes: each end keeps its own head, and heads are not averaged. The smaller
// head is padded with classes that no sample has, with scores so low that they do not affect the loss.
import type { Checkpoint } from "../checkpoints/index.ts";
import { type Tensor, tensor, toNumbers, UserError } from "../core/index.ts";
import type { ModelFolder } from "../hub/index.ts";

/** The score of a padded class. */
const never = -1e30;

export interface OwnHeads {
  /** The end with the larger head; its network is used for both. */
  readonly larger: ModelFolder;
  /** The number of classes that both have. */
  readonly shared: number;
  readonly note: string;
}

/** Decides how to treat two heads of different sizes. Throws {@link UserError} if they cannot be compared. */
export function keepHeads(a: ModelFolder, b: ModelFolder): OwnHeads {
  const [larger, smaller] = a.network.task.count > b.network.task.count ? [a, b] : [b, a];
  const heads = larger.network.heads ?? [];
  const weights = heads.filter((name) => name.endsWith(".weight"));
  const canFill = weights.length > 0 && weights.every((name) => heads.includes(name.replace(/weight$/, "bias")));
  const [x, y] = [a, b].map(({ network }) => network.task);
  if (x.kind !== "classes" || y.kind !== "classes" || !canFill)
    throw new UserError(
      `${a.path} has ${x.count} labels and ${b.path} has ${y.count}; different heads are supported only for classifiers. Give two folders with the same labels.`,
    );
  return {
    larger,
    shared: smaller.network.task.count,
    note: `${a.path} has ${x.count} classes and ${b.path} has ${y.count}, so each end keeps its own head (${heads.join(", ")}), which is not averaged. An average on a base has the base's head; with both bases, an average of every layer has a's.`,
  };
}

/** A file with its head padded to the shapes of the given folder's network. */
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
    readOnly: `${file.path} has a head of a different size from the other end's, so no copy of it can be written here.`,
    rewrite: undefined,
  };
}

/** The tensor padded with rows of `value`, in float32. */
function filled(stored: Tensor, shape: readonly number[], value: number): Tensor {
  const result = tensor("float32", [...shape]);
  const values = toNumbers(stored) as ArrayLike<number>;
  result.data.fill(value as never, values.length);
  for (let i = 0; i < values.length; i++) result.data[i] = values[i];
  return result;
}
