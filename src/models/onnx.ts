// A network that came as an ONNX graph. Its parameters are the graph's own weights, in the order of their first use, or those of a state dict that
// was matched to them (onnx-match.ts). Which output holds the scores, and of what type, is learned by whoever runs it once.
import { isFloating, sizeOf, type Tensor } from "../core/index.ts";
import {
  add,
  applyModel,
  cast,
  type ForeignModel,
  type Held,
  log,
  scalar,
  type Type,
  type Value,
  withType,
} from "../graph/index.ts";
import type { Model, Parameter } from "./model.ts";
import { type Binding, elementsOf, type StateDict } from "./onnx-candidates.ts";
import { isGenerated, moduleOf, modulePath } from "./onnx-names.ts";
import { byBatchStatistics } from "./onnx-norm.ts";

export interface OnnxOptions {
  readonly foreign: ForeignModel;
  readonly parameters: readonly Parameter[];
  readonly tied: Model["tied"];
  /** How the graph's weights come from the parameters; those without an entry keep the graph's own elements. */
  readonly bindings: ReadonlyMap<string, Binding>;
  /** The graph's own elements. */
  readonly values: StateDict;
  /** The output that holds the scores; its type where it is known already. Of probabilities the logarithms are the scores. */
  readonly output: { readonly name: string; readonly type?: Type; readonly areProbabilities?: boolean };
}

/** The network, ready to be swept. */
export function onnxModel({ foreign, parameters, tied, bindings, values, output }: OnnxOptions): Model {
  const held = new Map(foreign.held.map((one) => [one.name, one]));
  return {
    name: "onnx",
    sizes: {},
    parameters,
    tied,
    foreign: { inputs: foreign.inputs, dialect: foreign.dialect },
    forward(inputs, weights, training) {
      const [{ graph }] = Object.values(inputs);
      const given = (name: string): Value => {
        const bound = bindings.get(name);
        if (bound) return bound(weights);
        const own = held.get(name);
        if (own) return graph.constant(ownTensor(own, values));
        if (inputs[name]) return inputs[name];
        throw new Error(`nothing is given for ${name}`);
      };
      const nameOf = (heldName: string) => {
        let name: string | undefined;
        bindings.get(heldName)?.((asked) => {
          name ??= asked;
          return weights(asked);
        });
        return name;
      };
      const substitute = training && byBatchStatistics(training, foreign.dialect, nameOf);
      const scores = applyModel(graph, foreign, given, substitute)(output.name);
      if (!output.type) return scores;
      const typed = cast(withType(scores, output.type), "float32");
      // the softmax of the logarithms of probabilities is them again; the least number keeps those that are zero finite
      return output.areProbabilities ? log(add(typed, scalar(graph, "float32", 1.2e-38))) : typed;
    },
  };
}

/** The elements that a value of the graph has in its own file. */
export function ownTensor(held: Held, values: StateDict): Tensor {
  const found = elementsOf(held, values);
  if (!found) throw new Error(`the elements of ${held.name} are not there`);
  return found;
}

/** The weights of a graph as parameters: floating, and either named or more than one element; `differs` tells of the rest. */
export function graphParameters(foreign: ForeignModel, differs: (held: Held) => boolean): Parameter[] {
  const statistics = new Set(
    foreign.nodes.filter((node) => node.opType === "BatchNormalization").flatMap((node) => node.input.slice(3, 5)),
  );
  return foreign.held.flatMap((held): Parameter[] => {
    const { name, dtype, shape, tensor } = held;
    const isWeight = tensor ? false : !isGenerated(name) || sizeOf(shape) > 1;
    if (!isFloating(dtype) || !(isWeight || differs(held))) return [];
    const kind = statistics.has(name) ? "statistic" : "weight";
    return [{ name, shape, dtype, kind, layer: isGenerated(name) ? modulePath(held) : undefined }];
  });
}

/**
 * The tensors of a state dict that a graph uses as parameters, with the counters of their modules, in the order of their first use, which `used`
 * gives: files that sort their names have lost it. A tied tensor stands where its last name is used.
 */
export function stateDictParameters(tensors: StateDict, used: readonly string[], tied: Model["tied"]): Parameter[] {
  const place = new Map(used.map((name, i) => [name, i]));
  const modules = new Set(used.map(moduleOf));
  const alike = (name: string) => tied.find((group) => group.includes(name)) ?? [name];
  const placeOf = (name: string) => Math.max(...alike(name).map((one) => place.get(one) ?? used.length));
  const isThere = (name: string, { dtype }: Tensor) =>
    isFloating(dtype) ? alike(name).some((one) => place.has(one)) : modules.has(moduleOf(name));
  const inOrder = [...tensors]
    .filter(([name, tensor]) => isThere(name, tensor))
    .sort(([x], [y]) => placeOf(x) - placeOf(y));
  return inOrder.map(([name, { dtype, shape }]) => {
    const isStatistic = /(^|\.)running_(mean|var)$/.test(name) && tensors.has(`${moduleOf(name)}.running_var`);
    return {
      name,
      shape,
      dtype: isFloating(dtype) ? "float32" : dtype,
      kind: !isFloating(dtype) ? "counter" : isStatistic ? "statistic" : "weight",
    };
  });
}

const onQuantised = /^(MatMulInteger|ConvInteger|QLinear|QGemm|QAttention|MatMulNBits|DynamicQuantize(MatMul|LSTM))/;

/** A weight that the graph holds in whole numbers, which stand for others by a scale. */
export const quantisedWeight = ({ held }: ForeignModel): Held | undefined =>
  held.find(
    ({ dtype, shape, use }) =>
      !isFloating(dtype) &&
      sizeOf(shape) > 1 &&
      use &&
      (onQuantised.test(use.op) || (use.op === "DequantizeLinear" && use.input === 0)),
  );
