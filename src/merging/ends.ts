// The two ends of a merge as it needs them: what each has under the names of a's file, and in which layers.
import type { Checkpoint, StoredTensors } from "../checkpoints/index.ts";
import { UserError } from "../core/index.ts";
import { alignCheckpoints, requireSameWhole, tiedIn } from "../distance/index.ts";
import { type Grouping, groupLayers, type Layer, type Model } from "../models/index.ts";
import type { Ends, Keys, Pair } from "../pairs/index.ts";

interface EndOptions {
  readonly a: string;
  readonly b: string;
  readonly keys?: Keys;
  readonly group?: Grouping;
  readonly allowNonfinite?: boolean;
}

export interface MergeEnds {
  readonly layers: readonly Layer[];
  readonly tied: readonly (readonly string[])[];
  /** Both files, of state dicts under common names. */
  readonly files: readonly [Checkpoint, Checkpoint];
  readonly notes: readonly string[];
  /** The tensors that may be replaced. */
  readonly names: ReadonlySet<string>;
  /** A running mean or variance. */
  isStatistic(name: string): boolean;
  /** Of graphs, whose tensors have other names in b's file: both ends by a's names. */
  readonly graphs?: Readonly<Record<"a" | "b", StoredTensors>>;
  close(): Promise<void>;
}

/** Both ends by names that the file of a has. ONNX files go through their graphs, which pair weights whatever they are called. */
export async function openMergeEnds(
  x: Checkpoint,
  y: Checkpoint,
  options: EndOptions,
  pair: Pair | undefined,
): Promise<MergeEnds> {
  if (x.format === "onnx" && y.format === "onnx") {
    const { openEnds } = await import("../pairs/index.ts");
    const own = pair ? undefined : await openEnds({ ...options, model: {} });
    const close = async () => own?.[Symbol.asyncDispose]();
    try {
      return { ...endsOfGraphs(x, pair ?? own!), files: [x, y], notes: [], close };
    } catch (error) {
      await close();
      throw error;
    }
  }
  return endsOfFiles(x, y, options, pair);
}

function endsOfGraphs(
  x: Checkpoint,
  ends: Omit<Ends, "fit" | "context">,
): Omit<MergeEnds, "close" | "files" | "notes"> {
  const { a, b, layers, parameters, tied } = ends;
  requireOwnPlaces(ends);
  return {
    layers,
    tied,
    names: new Set(parameters.map((p) => p.name).filter((name) => x.tensors.has(name))),
    isStatistic: statisticsOf(ends),
    graphs: { a, b },
  };
}

/** State dicts have the same names in both files; a tied tensor may be there under one of its names only. */
async function endsOfFiles(
  x: Checkpoint,
  y: Checkpoint,
  { group }: EndOptions,
  pair: Pair | undefined,
): Promise<MergeEnds> {
  const tiedInEither = [...tiedIn(x, y), ...(pair?.tied ?? [])];
  const own = pair?.files ? undefined : alignCheckpoints(x, y, tiedInEither);
  const [a, b] = pair?.files ?? [own!.a, own!.b];
  await requireSameWhole(a, b);
  const tied = pair ? pair.tied : (a.tied ?? []);
  return {
    files: [a, b],
    notes: pair?.notes ?? own!.notes,
    layers: pair?.layers ?? groupLayers(a.tensors.values(), { group, tied }),
    tied,
    names: new Set(a.tensors.keys()),
    isStatistic: pair ? statisticsOf(pair) : (name) => /(^|\.)running_(mean|var)$/.test(name), // PyTorch's names
    close: async () => {},
  };
}

/** Throws {@link UserError} when what a's file has for a weight of its graph cannot be replaced, or is another weight too. */
function requireOwnPlaces({ a, parameters, tied }: Pick<Ends, "a" | "parameters" | "tied">): void {
  for (const { name } of parameters) {
    const place = a.placeOf(name);
    if (place === undefined)
      throw new UserError(
        `${a.path} keeps ${name} in its graph, as a constant, which cannot be replaced. Export the model again with its weights as initialisers.`,
      );
    if (place !== name && !tied.some((names) => names.includes(name) && names.includes(place)))
      throw new UserError(
        `${a.path} stores ${name} together with another weight that was equal, so they cannot be merged apart. Export the model again after training.`,
      );
  }
}

function statisticsOf({ parameters }: Pick<Model, "parameters">): (name: string) => boolean {
  const statistics = new Set(parameters.filter((p) => p.kind === "statistic").map((p) => p.name));
  return (name) => statistics.has(name);
}
