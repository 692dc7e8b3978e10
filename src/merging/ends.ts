// The two ends of a merge as it needs them: what each has under the names of a's file, and in which layers.
import type { Checkpoint } from "../checkpoints/index.ts";
import {
  compareKeys,
  type Grouping,
  groupLayers,
  type Layer,
  layersOf,
  openSubject,
  type Prepared,
  requireFinite,
  requireSameWhole,
  tiedIn,
} from "../connectivity/index.ts";
import { type Tensor, UserError } from "../core/index.ts";
import type { Held } from "../graph/index.ts";
import { holderOf, type Model } from "../models/index.ts";

interface EndOptions {
  readonly a: string;
  readonly b: string;
  readonly group?: Grouping;
  readonly allowNonfinite?: boolean;
}

interface Ends {
  readonly layers: readonly Layer[];
  readonly tied: readonly (readonly string[])[];
  /** The tensors that may be replaced. */
  readonly names: ReadonlySet<string>;
  /** A running mean or variance. */
  isStatistic(name: string): boolean;
  readA(name: string): Promise<Tensor>;
  readB(name: string): Promise<Tensor>;
}

/** Both ends by names that the file of a has. ONNX files go through their graphs, which pair weights whatever they are called. */
export async function openEnds(
  x: Checkpoint,
  y: Checkpoint,
  { a, b, group, allowNonfinite }: EndOptions,
  prepared?: Prepared,
): Promise<Ends> {
  if (x.format === "onnx" && y.format === "onnx") {
    const subject = prepared?.subject ?? (await openSubject([a, b], {}, { allowNonfinite }));
    const model = subject.model({ name: "" });
    const held = new Map(subject.foreign!.held.map((one) => [one.name, one]));
    for (const { name } of model.parameters) requireOwnPlace(a, held.get(name)!, model);
    const names = new Set(model.parameters.map((p) => p.name).filter((name) => x.tensors.has(name)));
    const reader = (tensors: ReadonlyMap<string, Tensor>) => async (name: string) => tensors.get(name)!;
    return {
      layers: layersOf(model, group),
      tied: model.tied,
      names,
      isStatistic: statisticsOf(model),
      readA: reader(subject.a.tensors),
      readB: reader(subject.b.tensors),
    };
  }
  compareKeys(x, y, [...tiedIn(x, y), ...(prepared?.pair.model.tied ?? [])]);
  await requireSameWhole(x, y);
  const tied = prepared ? prepared.pair.model.tied : (x.tied ?? []);
  const layers = prepared?.pair.layers ?? groupLayers(x.tensors.values(), { group, tied });
  // a tied tensor may be there under one of its names only
  const reader = (file: Checkpoint) => async (name: string) => {
    const there = file.tensors.has(name)
      ? name
      : (tied.flat().find((one) => file.tensors.has(one) && holderOf(tied)(one) === name) ?? name);
    const read = await file.read(there);
    if (!allowNonfinite) requireFinite(file.path, new Map([[there, read]]));
    return read;
  };
  const isStatistic = prepared
    ? statisticsOf(prepared.pair.model)
    : (name: string) => /(^|\.)running_(mean|var)$/.test(name); // PyTorch's names
  return { layers, tied, names: new Set(x.tensors.keys()), isStatistic, readA: reader(x), readB: reader(y) };
}

/** Throws {@link UserError} when what the file `path` has for a weight of its graph cannot be replaced, or stands for another weight too. */
function requireOwnPlace(path: string, { name, tensor, copyOf }: Held, { tied }: Model): void {
  if (tensor)
    throw new UserError(
      `${path} keeps ${name} in its graph, as a constant, which cannot be replaced. Export the model again with its weights as initialisers.`,
    );
  if (copyOf !== undefined && !tied.some((names) => names.includes(name) && names.includes(copyOf)))
    throw new UserError(
      `${path} stores ${name} together with another weight that was equal, so they cannot be merged apart. Export the model again after training.`,
    );
}

function statisticsOf({ parameters }: Model): (name: string) => boolean {
  const statistics = new Set(parameters.filter((p) => p.kind === "statistic").map((p) => p.name));
  return (name) => statistics.has(name);
}
