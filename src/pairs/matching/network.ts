// The network of an ONNX graph. Its parameters are the graph's own weights, in the order of their first use, or those
// of a matched state dict (match.ts).
import type { StoredTensors } from "../../checkpoints/index.ts";
import { type Tensor, UserError } from "../../core/index.ts";
import {
  add,
  applyModel,
  cast,
  type ForeignModel,
  log,
  scalar,
  type Type,
  type Value,
  withType,
} from "../../graph/index.ts";
import type { Model, Parameter } from "../../models/index.ts";
import type { Binding } from "./candidates.ts";
import { byBatchStatistics } from "./norm.ts";

/** The output of a graph with the scores, and its type. For probabilities, the scores are their logarithms. */
export interface Output {
  readonly name: string;
  readonly type: Type;
  readonly areProbabilities?: boolean;
  /** The value that is read in its place; default: the output itself. */
  readonly from?: string;
  /** Brings the scores into the form in which they are compared with labels. */
  readonly arrange?: (scores: Value) => Value;
}

export interface OnnxNetwork {
  /** The path of the graph's file. */
  readonly path: string;
  readonly foreign: ForeignModel;
  readonly parameters: readonly Parameter[];
  readonly tied: Model["tied"];
  /** How the graph's weights follow from the parameters. */
  readonly bindings: ReadonlyMap<string, Binding>;
  /** The other tensors of the graph. */
  readonly constants: ReadonlyMap<string, Tensor>;
}

/** Reads the constants of a graph: all its tensors without a parameter. */
export async function readConstants(
  { held }: ForeignModel,
  bindings: OnnxNetwork["bindings"],
  file: StoredTensors,
): Promise<Map<string, Tensor>> {
  const constants = new Map<string, Tensor>();
  for (const { name, tensor, copyOf = name } of held)
    if (!bindings.has(name)) constants.set(name, tensor ?? (await file.read(copyOf)));
  return constants;
}

/** Applies the graph's nodes, and returns a function that gives values by name. */
export function applyNetwork(
  { foreign, bindings, constants }: OnnxNetwork,
  ...[inputs, weights, training]: Parameters<Model["forward"]>
): (name: string) => Value {
  const [{ graph }] = Object.values(inputs);
  const given = (name: string): Value => {
    const bound = bindings.get(name);
    if (bound) return bound(weights);
    const own = constants.get(name);
    if (own) return graph.constant(own);
    if (inputs[name]) return inputs[name];
    throw new UserError(`The graph uses ${name}, which it does not define. Export the model again.`);
  };
  const nameOf = (heldName: string) => {
    let name: string | undefined;
    bindings.get(heldName)?.((asked) => {
      name ??= asked;
      return weights(asked);
    });
    return name;
  };
  const substitute = training && byBatchStatistics(training, foreign, nameOf);
  return applyModel(graph, foreign, given, substitute);
}

/** The network as a model for a sweep. */
export function onnxModel(network: OnnxNetwork, output: Output): Model {
  return {
    name: "onnx",
    sizes: {},
    parameters: network.parameters,
    tied: network.tied,
    dialect: network.foreign.dialect,
    path: network.path,
    forward(inputs, weights, training) {
      const scores = applyNetwork(network, inputs, weights, training)(output.from ?? output.name);
      const typed = cast(withType(scores, output.type), "float32");
      const { arrange = (value) => value } = output;
      // the softmax of log-probabilities gives the probabilities again; the smallest number keeps the logarithm of 0
      // finite
      return arrange(output.areProbabilities ? log(add(typed, scalar(typed.graph, "float32", 1.2e-38))) : typed);
    },
  };
}
