// The two ends of a merge: their tensors under the names of a's file, and the layers.
import type { Checkpoint, StoredTensors } from "../checkpoints/index.ts";
import { UserError } from "../core/index.ts";
import {
  type Aligned,
  type AveragedOf,
  alignCheckpoints,
  type Kinds,
  kindsOfFiles,
  NothingInCommon,
  notesOfDropped,
} from "../distance/index.ts";
import { hasDescription, isModelFolder } from "../hub/index.ts";
import { type Grouping, groupLayers, type Layer, type Model, matchLayers } from "../models/index.ts";
import type { End, Ends, Keys, Pair } from "../pairs/index.ts";

interface EndOptions {
  readonly a: string;
  readonly b: string;
  readonly keys?: Keys;
  readonly group?: Grouping;
  readonly allowNonfinite?: boolean;
  /** The layers to average, if not all, and the end that the others come from. */
  readonly layers?: readonly string[];
  readonly base?: "a" | "b";
}

/** A network whose layers and kinds of tensors are known from its description, not only from names. */
export interface DescribedNetwork extends Pick<Model, "parameters" | "tied"> {
  readonly layers: readonly Layer[];
  readonly kinds: Kinds;
  /** Both ends under common names. */
  readonly files: readonly [Checkpoint, Checkpoint];
}

export interface MergeEnds extends AsyncDisposable {
  readonly layers: readonly Layer[];
  readonly tied: readonly (readonly string[])[];
  /** Both files; state dicts are under common names. */
  readonly files: readonly [Checkpoint, Checkpoint];
  readonly notes: readonly string[];
  /** The names of the tensors that may be replaced. */
  readonly names: ReadonlySet<string>;
  readonly kinds: Kinds;
  /** Whether a tensor is a running mean or variance. */
  isStatistic(name: string): boolean;
  /** Throws {@link UserError} if a changed tensor has no separate place in a copy of a's file. */
  requirePlaces(isChanged: (name: string) => boolean): void;
  /** For graphs, whose tensors have other names in b's file: both ends by a's names. */
  readonly graphs?: Readonly<Record<"a" | "b", StoredTensors>>;
}

/**
 * Opens both ends under the names of a's file. Weights of ONNX files are paired by their graphs, whatever their names.
 * `network` is given when a folder describes the network and there is no pair.
 */
export async function openMergeEnds(
  x: Checkpoint,
  y: Checkpoint,
  options: EndOptions,
  pair: Pair | undefined,
  network?: DescribedNetwork,
): Promise<MergeEnds> {
  if (x.format === "onnx" && y.format === "onnx") {
    const { openEnds } = await import("../pairs/index.ts");
    const own = pair ? undefined : await openEnds({ ...options, model: {} });
    const close = async () => own?.[Symbol.asyncDispose]();
    try {
      return { ...endsOfGraphs(x, pair ?? own!), files: [x, y], [Symbol.asyncDispose]: close };
    } catch (error) {
      await close();
      throw error;
    }
  }
  return endsOfFiles(x, y, options, pair ?? network);
}

function endsOfGraphs(
  x: Checkpoint,
  ends: Omit<Ends, "fit" | "context">,
): Omit<MergeEnds, keyof AsyncDisposable | "files"> {
  const { a, b, layers, parameters, tied, kinds } = ends;
  return {
    notes: [a, b].flatMap(({ path, dropped = [] }) => notesOfDropped(path, dropped)),
    layers,
    tied,
    names: new Set(parameters.map((p) => p.name).filter((name) => x.tensors.has(name))),
    kinds,
    isStatistic: statisticsOf(ends),
    requirePlaces: (isChanged) => requireOwnPlaces(ends, isChanged),
    graphs: { a, b },
  };
}

/** State dicts have the same names in both files, but a tied tensor may be stored under only one of its names. */
async function endsOfFiles(
  x: Checkpoint,
  y: Checkpoint,
  options: EndOptions,
  pair: Pick<Pair, keyof DescribedNetwork> | undefined,
): Promise<MergeEnds> {
  const { group } = options;
  const averagedOf = pair ? undefined : averagedIn(options);
  const first = averagedOf ? { ...x, averagedOf } : x;
  const own = await alignCheckpoints(first, y, pair?.tied).catch((error) => {
    if (averagedOf) requireLayers(x, options);
    throw (error instanceof NothingInCommon && differentKinds(options)) || error;
  });
  const files = pair?.files ?? ([own.a, own.b] as const);
  const [a] = files;
  const kinds = pair?.kinds ?? (await kindsOfFiles(...files));
  const tied = pair ? pair.tied : (a.tied ?? []);
  const tensors = [...a.tensors.values()].map((t) => ({ ...t, kind: kinds.of(t.name).parameter }));
  return {
    files,
    notes: own.notes,
    layers: pair?.layers ?? groupLayers(tensors, { group, tied }),
    tied,
    names: new Set(a.tensors.keys()),
    kinds,
    isStatistic: pair ? statisticsOf(pair) : (name) => kinds.of(name).name === "statistic",
    requirePlaces: (isChanged) => requireTies(own, x, y, isChanged),
    [Symbol.asyncDispose]: async () => {},
  };
}

/** The error for a folder and a single file without a common tensor; undefined for two of a kind. */
function differentKinds({ a, b }: EndOptions): UserError | undefined {
  if (hasDescription(a) === hasDescription(b)) return undefined;
  const [folder, other] = hasDescription(a) ? [a, b] : [b, a];
  const what = isModelFolder(other) ? "a folder that does not describe its network" : "a single file";
  return new UserError(
    `${folder} is a Hugging Face folder, but ${other} is ${what}, and they have no tensor in common. Give two folders, or two files of one network.`,
  );
}

/** Throws {@link UserError} if a's file ties tensors that are separate in b's, and any of them changes. */
function requireTies(
  { parted }: Pick<Aligned, "parted">,
  x: Checkpoint,
  y: Checkpoint,
  isChanged: (name: string) => boolean,
): void {
  const [names] = parted.filter((group) => group.some(isChanged));
  if (names)
    throw new UserError(
      `${x.path} stores ${names.slice(0, 2).join(" and ")} as one tensor, but they differ in ${y.path}, so the merged file cannot store both averages. Untie them in ${x.path}, or swap the two files.`,
    );
}

/**
 * Throws {@link UserError} if a changed weight cannot be replaced in a's file, or is stored there together with
 * another.
 */
function requireOwnPlaces(
  { a, b, parameters, tied }: Pick<Ends, "a" | "b" | "parameters" | "tied">,
  isChanged: (name: string) => boolean,
): void {
  for (const { name, kind } of parameters) {
    if (kind === "kept") continue;
    const place = a.placeOf(name);
    if (!isChanged(name) && !(place !== undefined && isChanged(place))) continue;
    if (a.dropped?.includes(name)) throw noPlace(name, a, b);
    if (place === undefined)
      throw new UserError(
        `${a.path} stores ${name} as a constant of its graph, which cannot be replaced. Export the model again with its weights as initialisers.`,
      );
    if (place !== name && !tied.some((names) => names.includes(name) && names.includes(place)))
      throw new UserError(
        `${a.path} stores ${name} and another, equal weight as one tensor, so they cannot be merged separately. Export the model again after training.`,
      );
  }
}

/** The error for a bias that a's graph lacks. */
function noPlace(name: string, a: End, { path, dropped = [] }: End): UserError {
  const way = dropped.length ? "Export both again after training" : `Give ${path} first`;
  return new UserError(
    `${a.path} has no ${name}, because exporters drop biases of zeros, so its copy cannot store the merged one. ${way}, or merge the checkpoints that the graphs were exported from.`,
  );
}

/**
 * The tensors of the layers that `--layers` names. All others may have different shapes in the two files, and stay as
 * in a. Undefined if everything is averaged or comes from b.
 */
function averagedIn({ layers, group, base }: EndOptions): AveragedOf | undefined {
  if (!layers || base === "b") return undefined;
  return (tensors) => {
    const all = groupLayers(tensors, { group });
    const globs = layers.map(globOf);
    const isThere = (glob: string) => {
      try {
        return matchLayers(all, [glob]);
      } catch {
        return all; // reported when the layers are chosen
      }
    };
    return new Set(globs.flatMap(isThere).flatMap(({ parameters }) => parameters));
  };
}

/** Throws {@link UserError} if a name in `--layers` matches none of the file's layers. */
function requireLayers(x: Checkpoint, { layers = [], group }: EndOptions): void {
  matchLayers(groupLayers([...x.tensors.values()], { group }), layers.map(globOf));
}

const globOf = (text: string) => text.replace(/=[^=]*$/, "");

function statisticsOf({ parameters }: Pick<Model, "parameters">): (name: string) => boolean {
  const statistics = new Set(parameters.filter((p) => p.kind === "statistic").map((p) => p.name));
  return (name) => statistics.has(name);
}
