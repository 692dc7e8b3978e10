// A network that is one function of modules and inputs, as a folder's network: its parameters come from applying the function once.
import { UserError } from "../../core/index.ts";
import { Graph, type Value } from "../../graph/index.ts";
import { type Grouping, type Inputs, moduleOf, type Parameter } from "../../models/index.ts";
import { arraysOf, type FolderNetwork, type NetworkInput, type NetworkTask } from "../network.ts";
import { leavesOf } from "../settings.ts";
import { Modules, traceParameters } from "./modules.ts";

export interface TracedNetwork {
  readonly input: NetworkInput;
  readonly task: NetworkTask;
  /** Everything that `build` decides by, apart from the number of labels: what two folders must agree in. */
  readonly settings: object;
  /** Positions are angles, which the config describes. */
  readonly isRotated?: boolean;
  /** What stands before the names of the base model, `bert.`: files of a base model lack it. */
  readonly prefix?: string;
  /** Parameters under several names; the first one, which files hold and `build` asks for, gives the layer. */
  readonly ties?: readonly (readonly string[])[];
  /** The modules whose sizes follow from the number of labels. */
  readonly heads?: readonly string[];
  /** Spellings of other versions: what matches becomes the text. */
  readonly renames?: readonly (readonly [RegExp, string])[];
  /** Tensors that files hold beside the network and that have no part in it. */
  readonly unused?: RegExp;
  /**
   * The scores of inputs. It asks for its parameters in the order of the library's state dict: where it uses them in another one, it asks for some of
   * them beforehand ({@link Modules.parameter}, {@link Modules.reserve}).
   */
  build(modules: Modules, inputs: Inputs): Value;
}

/** Tokens of the text on which a network is tried; images have their own size. */
const nominalLength = 2;

export function tracedNetwork(own: TracedNetwork): FolderNetwork {
  const { input, task, prefix = "", ties = [], heads = [], renames = [], unused } = own;
  const parameters = parametersOf(own);
  return {
    parameters,
    ties,
    tiedBy: () => ties.map((names) => names.toReversed()),
    layerOf,
    spellings(name) {
      const renamed = renames.reduce((text, [pattern, by]) => text.replace(pattern, by), name);
      return [...new Set([name, renamed])].flatMap((one) => [
        one,
        `${prefix}${one}`,
        ...(one.startsWith(prefix) ? [one.slice(prefix.length)] : []),
      ]);
    },
    isUnused: (name) => unused?.test(name) ?? false,
    settings: (longest) => new Map([["task", taskOf(task)], ...leavesOf(own.settings, longest)]),
    sizes: sizesOf(own.settings),
    isRotated: own.isRotated,
    input,
    task,
    heads: parameters.map(({ name }) => name).filter((name) => heads.includes(moduleOf(name))),
    forward: (inputs, weights, training) =>
      own.build(new Modules({ give: ({ name }) => weights(name), training }), inputs),
  };
}

function parametersOf({ input, ties = [], build }: TracedNetwork): Parameter[] {
  const graph = new Graph();
  const sides = input.kind === "pixels" ? [input.height, input.width] : [];
  const inputs = Object.fromEntries(
    arraysOf(input).map(({ name, dtype, shape }) => {
      const [, ...sizes] = shape!;
      const free = [...sides];
      const sample = sizes.map((n) => (typeof n === "number" ? n : (free.shift() ?? nominalLength)));
      return [name, graph.input(name, dtype!, [1, ...sample])];
    }),
  );
  const traced = traceParameters(graph, (modules) => build(modules, inputs));
  const shapes = new Map(traced.map(({ name, shape }) => [name, shape]));
  const others = ties.flatMap((names) => names.filter((name) => !shapes.has(name)).map((name) => ({ name, names })));
  return [...traced, ...others.map(({ name, names }) => ({ name, shape: shapes.get(names[0])! }))];
}

/** The whole numbers among the settings: `width 32`, `blocks 2`. */
const sizesOf = (settings: object): string[] =>
  Object.entries(settings).flatMap(([name, value]) => (Number.isInteger(value) ? [`${name} ${value}`] : []));

const taskOf = ({ kind, isByToken }: NetworkTask): string => (isByToken ? `${kind} of each token` : kind);

/** `block`: a name up to its first number, else its module. */
function layerOf(name: string, group: Grouping): string | undefined {
  if (group === "sublayer")
    throw new UserError(
      "--group sublayer is for language models, whose halves of blocks are known. Choose block, module or tensor.",
    );
  return group === "block" ? /^(.*?\.\d+)\./.exec(name)?.[1] : undefined;
}
