// Two ONNX files of one architecture: read, walked side by side, and their weights paired, whatever the exporter called them.
import { type Checkpoint, readStructure } from "../checkpoints/index.ts";
import { UserError } from "../core/index.ts";
import { alignModels, type ForeignModel, type Held, importModel } from "../graph/index.ts";
import { dtypeOf, graphParameters } from "../models/index.ts";
import type { LayerTensor } from "./layers.ts";

/** Throws {@link UserError} when the file holds no graph that can be read. */
export async function readGraph(path: string): Promise<ForeignModel> {
  const bytes = await readStructure(path);
  try {
    return importModel(bytes);
  } catch (error) {
    throw new UserError(`${path} is no ONNX model that can be read: ${(error as Error).message}. Export it again.`, {
      cause: error,
    });
  }
}

/** What `b` holds by the names of `a`. Throws {@link UserError} when the graphs differ. */
export function alignGraphs(a: ForeignModel, b: ForeignModel, pathA: string, pathB: string): Map<string, Held> {
  try {
    return alignModels(a, b);
  } catch (error) {
    throw new UserError(
      `The graphs in ${pathA} and ${pathB} differ: ${(error as Error).message}. Export two checkpoints of one architecture in the same way.`,
      { cause: error },
    );
  }
}

/** The weights of the first file, with their modules, and the name that each has in every file. */
export async function graphWeights(files: readonly Checkpoint[]): Promise<{
  readonly tensors: readonly LayerTensor[];
  /** Groups of names that are one tensor: of an initialiser and its copies. */
  readonly tied: readonly (readonly string[])[];
  nameIn(file: Checkpoint, name: string): string;
}> {
  const [first, ...others] = files;
  const graph = await readGraph(first.path);
  const stored = ({ name, copyOf }: Held) => copyOf ?? name;
  const names = new Map<Checkpoint, Map<string, string>>();
  for (const file of others) {
    const pairs = alignGraphs(graph, await readGraph(file.path), first.path, file.path);
    names.set(file, new Map([...pairs].map(([name, held]) => [name, stored(held)])));
  }
  names.set(first, new Map(graph.held.map((held) => [held.name, stored(held)])));
  const tensors = graphParameters(graph, () => false).map((one) => ({ ...one, dtype: dtypeOf(one) }));
  const groups = new Map<string, string[]>();
  for (const { name } of tensors) {
    const source = names.get(first)!.get(name)!;
    groups.set(source, [...(groups.get(source) ?? []), name]);
  }
  return {
    tensors,
    tied: [...groups.values()].filter(({ length }) => length > 1),
    nameIn: (file, name) => names.get(file)!.get(name)!,
  };
}
