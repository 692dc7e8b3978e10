// A folder's network given as one function of modules and inputs. Applying the function once gives its parameters.
import { UserError } from "../../core/index.ts";
import { Graph, type Value } from "../../graph/index.ts";
import { type Grouping, type Inputs, moduleOf, type Parameter } from "../../models/index.ts";
import { arraysOf, type FolderNetwork, type NetworkInput, type NetworkTask } from "../network.ts";
import { flattenSettings } from "../settings.ts";
import { Modules, traceParameters } from "./modules.ts";

export interface TracedNetwork {
  readonly input: NetworkInput;
  readonly task: NetworkTask;
  /** Everything that affects `build`, except the number of labels. Two folders must agree on it. */
  readonly settings: object;
  /** Positions are angles, which the config describes. */
  readonly isRotated?: boolean;
  /** The prefix of the base model's names, `bert.`. Files of a base model alone lack it. */
  readonly prefix?: string;
  /** Groups of names of one parameter. The first name, which files contain and `build` requests, gives the layer. */
  readonly ties?: readonly (readonly string[])[];
  /** The modules whose sizes depend on the number of labels. */
  readonly heads?: readonly string[];
  /** Names used by other versions: patterns and their replacements. */
  readonly renames?: readonly (readonly [RegExp, string])[];
  /** Tensors in files that the network does not use. */
  readonly unused?: RegExp;
  /**
   * The scores of inputs. It must request its parameters in the order of the library's state dict. Where it uses them
   * in a different order, it requests some of them earlier ({@link Modules.parameter}, {@link Modules.reserve}).
   */
  build(modules: Modules, inputs: Inputs): Value;
}

/** Length of the text used to trace a network, in tokens. Images have their own size. */
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
    settings: (longest) => new Map([["task", taskOf(task)], ...flattenSettings(own.settings, longest)]),
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

/** The integers among the settings: `width 32`, `blocks 2`. */
const sizesOf = (settings: object): string[] =>
  Object.entries(settings).flatMap(([name, value]) => (Number.isInteger(value) ? [`${name} ${value}`] : []));

const taskOf = ({ kind, isByToken }: NetworkTask): string => (isByToken ? `${kind} of each token` : kind);

/** For `block`, the name up to its first number; undefined if the module is the layer. */
function layerOf(name: string, group: Grouping): string | undefined {
  if (group === "sublayer")
    throw new UserError("--group sublayer is only for decoder language models. Choose block, module or tensor.");
  return group === "block" ? /^(.*?\.\d+)\./.exec(name)?.[1] : undefined;
}
