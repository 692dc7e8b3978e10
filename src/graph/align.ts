// Aligns two ONNX files of one architecture. They have the same nodes, but names of values and the order of nodes may
// differ. A walk through both from their outputs, into subgraphs and functions, pairs their weights and finds
// differences.
import { create, toBinary } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  type NodeProto,
  TensorProtoSchema,
} from "onnx-buf";
import { isFloating } from "../core/index.ts";
import type { ForeignModel, Held } from "./foreign.ts";
import { droppedBias, mayDrop } from "./import/dropped.ts";
import { type Functions, functionsOf, keyOfFunction } from "./import/nodes.ts";
import { inFileOrder, type Placed, sortByFlow, sortGraphByFlow } from "./import/order.ts";
import { isText, nameOfType } from "./import/tensors.ts";
import { dtypeOfOnnx } from "./ops/index.ts";

/** A difference of two graphs; its message follows "the two graphs differ: ". */
export class GraphDifference extends Error {
  constructor(
    message: string,
    /** What to do, where exporting again in the same way does not help. */
    readonly advice?: string,
  ) {
    super(message);
  }
}

/**
 * The held values of `b`, with zeros for dropped biases, by their names in `a`. Throws a {@link GraphDifference} that
 * names the first difference.
 */
export function alignModels(a: ForeignModel, b: ForeignModel): Map<string, Held> {
  const { pairs } = walkTogether(a, b, false);
  for (const { name } of a.held) if (!pairs.has(name)) throw new GraphDifference(`${name} is in one only`);
  return pairs;
}

/**
 * Finds a pairing of inputs and outputs with which the graphs are equal; `b` may lack biases that `a` has. With
 * `mayLack`, `a` may lack weights of `b`: store two as one, or lack biases.
 */
export function walkTogether(a: ForeignModel, b: ForeignModel, mayLack: boolean): Walk {
  if (a.inputs.length !== b.inputs.length)
    throw new GraphDifference(`one has ${a.inputs.length} inputs, the other ${b.inputs.length}`);
  const failed: { walk: Walk; difference: GraphDifference }[] = [];
  const attempt = (inputs: Pairing, outputs: Pairing, nodes: readonly Placed[], others: readonly Placed[]) => {
    const walk = new Walk(a, b, mayLack);
    try {
      walk.compareModels(nodes, others, inputs, outputs);
      return walk;
    } catch (difference) {
      if (!(difference instanceof GraphDifference)) throw difference;
      failed.push({ walk, difference });
      return undefined;
    }
  };
  const [results, others] = [resultNames(a), resultNames(b)];
  const ways = pairNames(namesOf(a.inputs), namesOf(b.inputs));
  for (const inputs of ways)
    for (const outputs of pairNames(results, others)) {
      const nodes = sortByFlow(a.nodes, [...outputs.keys()]);
      const found = attempt(inputs, outputs, nodes, sortByFlow(b.nodes, [...outputs.values()]));
      if (found) return found;
    }
  // in the files' order, which gives the clearest first difference of two similar exports
  const found = attempt(ways[0], new Map(), inFileOrder(a.nodes), inFileOrder(b.nodes));
  if (found && results.length !== others.length) return found; // one has more outputs
  throw failed.reduce((best, one) => (one.walk.compared > best.walk.compared ? one : best)).difference;
}

const namesOf = (ports: readonly { readonly name: string }[]): string[] => ports.map(({ name }) => name);

const resultNames = ({ outputs, sequences }: ForeignModel): string[] => [...namesOf(outputs), ...sequences];

/** Names of b's inputs or outputs, by those of a. */
type Pairing = ReadonlyMap<string, string>;

/**
 * Possible pairings of inputs or outputs, the likeliest first: by their common names, and the rest by index. Where
 * names differ, they may be an exporter's numbering, so the second possibility pairs all by index.
 */
function pairNames(a: readonly string[], b: readonly string[]): Pairing[] {
  const isName = (name: string) => !/^\d+$/.test(name); // PyTorch numbers values without a name
  const common = new Set(a.filter((name) => isName(name) && b.includes(name)));
  const [own, others] = [a, b].map((names) => names.filter((name) => !common.has(name)));
  const rest = new Map(own.length === others.length ? own.map((name, i) => [name, others[i]]) : []);
  const byName = new Map(
    a.flatMap((name) => (common.has(name) ? [[name, name]] : rest.has(name) ? [[name, rest.get(name)!]] : [])),
  );
  if (own.length + others.length === 0 || a.length !== b.length) return [byName];
  const byPlace = new Map(a.map((name, i) => [name, b[i]]));
  return a.every((name) => byName.get(name) === byPlace.get(name)) ? [byName] : [byName, byPlace];
}

const adviceOnDropped =
  "Exporters drop biases of zeros. Use the checkpoints that the graphs were exported from, and the graph with all biases as --model.";

/** Names of b's values by those of a, the innermost graph first. */
type Scopes = readonly Map<string, string>[];

class Walk {
  readonly pairs = new Map<string, Held>();
  /** The nodes of b by those of a, without those in subgraphs and functions. */
  readonly partners = new Map<NodeProto, NodeProto>();
  /** Number of operations found equal. */
  compared = 0;
  readonly #held: readonly Map<string, Held>[];
  readonly #functions: readonly Functions[];
  readonly #compared = new Set<string>();

  /** With `mayLack`, `b` may use two weights where `a` uses one twice, and biases where `a` has none. */
  constructor(
    a: ForeignModel,
    b: ForeignModel,
    readonly mayLack: boolean,
  ) {
    this.#held = [a, b].map(({ held }) => new Map(held.map((one) => [one.name, one])));
    this.#functions = [a, b].map(({ dialect }) => functionsOf(dialect));
  }

  compareModels(a: readonly Placed[], b: readonly Placed[], inputs: Pairing, outputs: Pairing): void {
    const scopes = [new Map(inputs)];
    this.#compareNodes(a, b, scopes, "");
    for (const [name, other] of outputs)
      if ((scopes[0].get(name) ?? other) !== other) throw new GraphDifference(`the output ${name} is another value`);
  }

  /** `within` names the subgraph or function of the nodes; empty for the graph itself. */
  #compareNodes(a: readonly Placed[], b: readonly Placed[], scopes: Scopes, within: string): void {
    if (a.length !== b.length)
      throw new GraphDifference(
        `${within}one has ${a.length} operations, the other ${b.length}`,
        "Export two checkpoints of one architecture in the same way, and simplify (onnxslim, onnxsim) or optimise both or neither.",
      );
    a.forEach(({ node, place }, i) => {
      const other = b[i].node;
      const name = node.name || (node.opType === "Constant" ? node.output[0] : node.opType);
      const where = `${within}operation ${place} (${name})`;
      this.#compareOperation(node, other, where);
      const inputs = Math.max(node.input.length, other.input.length);
      for (let j = 0; j < inputs; j++) {
        const [name = "", value = ""] = [node.input[j], other.input[j]];
        const isInOne = (name === "") !== (value === "");
        const isDropped = isInOne && mayDrop(node, j);
        if (!within && isDropped && this.#pairDropped(name, value)) continue;
        if (!this.#isSame(name, value, scopes))
          throw new GraphDifference(
            `${where} has ${isInOne ? `an input ${j} in one only` : `another input ${j}`}`,
            isDropped ? adviceOnDropped : undefined,
          );
      }
      compareAttributes(node, other, where);
      for (const attribute of node.attribute) {
        const same = other.attribute.find((one) => one.name === attribute.name)!;
        const [graphs, others] = [attribute, same].map(({ g, graphs }) => (g ? [g] : graphs));
        if (graphs.length !== others.length) throw new GraphDifference(`${where} has another ${attribute.name}`);
        graphs.forEach((graph, k) => {
          this.#compareGraphs(graph, others[k], scopes, `${attribute.name} of ${where}: `);
        });
      }
      for (const [j, output] of node.output.entries()) scopes[0].set(output, other.output[j]);
      this.compared++;
      if (!within) this.partners.set(node, other);
    });
  }

  #compareOperation(node: NodeProto, other: NodeProto, where: string): void {
    const kinds = [node, other].map(({ domain, opType }) => (domain ? `${domain}.${opType}` : opType));
    const bodies = [node, other].map((one, i) => this.#functions[i].get(keyOfFunction(one)));
    // an exporter may choose the names of functions
    if (kinds[0] !== kinds[1] && !(bodies[0] && bodies[1]))
      throw new GraphDifference(`${where} is ${kinds[0]} in one and ${kinds[1]} in the other`);
    // some operations compute something else without their optional outputs
    const present = [node, other].map(({ output }) => output.map((name) => Number(name !== "")).join(""));
    if (present[0] !== present[1]) throw new GraphDifference(`${where} has other outputs`);
    const [body, otherBody] = bodies;
    if (!body || !otherBody) {
      if (body || otherBody) throw new GraphDifference(`${where} is a function of one model only`);
      return;
    }
    const key = JSON.stringify([keyOfFunction(body), keyOfFunction(otherBody)]);
    if (this.#compared.has(key)) return;
    this.#compared.add(key);
    const within = `function ${body.name}: `;
    if (body.input.length !== otherBody.input.length) throw new GraphDifference(`${within}it has other inputs`);
    const scopes = [new Map(body.input.map((name, i) => [name, otherBody.input[i]]))];
    const nodes = sortByFlow(body.node, body.output);
    this.#compareNodes(nodes, sortByFlow(otherBody.node, otherBody.output), scopes, within);
    if (body.output.some((name, i) => scopes[0].get(name) !== otherBody.output[i]))
      throw new GraphDifference(`${within}it has other outputs`);
    const [defaults, others] = [body.attributeProto, otherBody.attributeProto];
    if (defaults.length !== others.length || defaults.some((one, i) => !areEqual(one, others[i])))
      throw new GraphDifference(`${within}its attributes differ`);
  }

  #compareGraphs(a: GraphProto, b: GraphProto, scopes: Scopes, within: string): void {
    const own = new Map(a.input.map(({ name }, i) => [name, b.input[i]?.name]));
    if (a.input.length !== b.input.length || a.output.length !== b.output.length)
      throw new GraphDifference(`${within}it has other inputs or outputs`);
    const inner = [own, ...scopes];
    this.#compareNodes(sortGraphByFlow(a), sortGraphByFlow(b), inner, within);
    a.output.forEach(({ name }, i) => {
      if (!this.#isSame(name, b.output[i].name, inner))
        throw new GraphDifference(`${within}it has another output ${i}`);
    });
  }

  /** True for values that correspond; pairs held values. */
  #isSame(name: string, other: string, scopes: Scopes): boolean {
    if (name === "" || other === "") return name === other;
    const scope = scopes.find((one) => one.has(name));
    if (scope) return scope.get(name) === other;
    const [x, y] = [this.#held[0].get(name), this.#held[1].get(other)];
    if (!x || !y) return false;
    this.#pair(x, y, this.mayLack && scopes.length === 1);
    return true;
  }

  /** True for a weight of the graph that the other lacks; pairs one of a with zeros. */
  #pairDropped(name: string, other: string): boolean {
    if (name === "") return this.mayLack && this.#held[1].has(other);
    const own = this.#held[0].get(name);
    if (own) this.#pair(own, droppedBias(own, ""), this.mayLack);
    return own !== undefined;
  }

  #pair(x: Held, y: Held, mayBeShared: boolean): void {
    const { name } = x;
    if (String(x.shape) !== String(y.shape) || x.dtype !== y.dtype)
      throw new GraphDifference(`${name} is ${x.dtype}[${x.shape}] in one and ${y.dtype}[${y.shape}] in the other`);
    const before = this.pairs.get(name);
    if (before && before.name !== y.name) {
      if (mayBeShared) return;
      const names = [before, y].map((one) => one.name || "a dropped bias");
      throw new GraphDifference(
        `${name} in one is two weights in the other, ${names.join(" and ")}`,
        "Exporters store equal weights once: export the first model again after training.",
      );
    }
    this.pairs.set(name, y);
  }
}

/** Compares all attributes except subgraphs. */
function compareAttributes(node: NodeProto, other: NodeProto, where: string): void {
  const known = new Map(other.attribute.map((one) => [one.name, one]));
  for (const { name } of [...node.attribute, ...other.attribute])
    if (!known.has(name) || !node.attribute.some((one) => one.name === name))
      throw new GraphDifference(`${where} has an attribute ${name} in one only`);
  const differing = node.attribute.filter((one) => !areEqual(one, known.get(one.name)!));
  const weights = differing.filter(mayBeWeights);
  if (weights.length) {
    const names = weights.map(({ name }) => name).join(" and ");
    const what = node.name && node.name !== node.opType ? `is a ${node.opType} that keeps` : "keeps";
    throw new GraphDifference(
      `${where} ${what} its weights in attributes, of which ${names} differ`,
      `Weights that are attributes cannot be averaged. Save both models with them as initialisers, for example as ${node.opType === "Scaler" ? "Sub and Mul" : "MatMul and Add"}.`,
    );
  }
  const [first] = differing;
  if (first?.t && node.opType === "Constant") throw differentConstant(node.output[0], first.t.dataType);
  if (first) throw new GraphDifference(`${where} has another ${first.name}`);
}

/** The difference of constants that are not weights: integers in a subgraph, or an unsupported type. */
function differentConstant(name: string, type: number): GraphDifference {
  if (isText(type))
    return new GraphDifference(
      `the texts in ${name} differ`,
      "Export both models with the same classes in the same order.",
    );
  const advice = dtypeOfOnnx(type) ? undefined : "Are the models quantised? Use the float models.";
  return new GraphDifference(`the values of ${name} (${nameOfType(type)}) differ`, advice);
}

/** True for an attribute with several floats: coefficients, thresholds, a tensor. */
const mayBeWeights = ({ type, t, floats }: AttributeProto): boolean =>
  ((type === AttributeProto_AttributeType.FLOATS || !type) && floats.length > 0) ||
  (t !== undefined && isFloating(dtypeOfOnnx(t.dataType) ?? "int64"));

/** Whether attributes are equal, subgraphs aside. Old exporters (CNTK) leave the type unset. */
const areEqual = (a: AttributeProto, b: AttributeProto): boolean =>
  (a.type === b.type || !a.type || !b.type) && attributeBytes(a) === attributeBytes(b);

const written = new WeakMap<AttributeProto, string>();

/** The bytes of an attribute's values without its type, its doc string, its tensor's name, and its subgraphs. */
function attributeBytes(attribute: AttributeProto): string {
  const known = written.get(attribute);
  if (known !== undefined) return known;
  const t = attribute.t && create(TensorProtoSchema, { ...attribute.t, name: "", docString: "" });
  const bare = create(AttributeProtoSchema, {
    ...attribute,
    type: AttributeProto_AttributeType.UNDEFINED,
    docString: "",
    t,
    g: undefined,
    graphs: [],
  });
  const bytes = Buffer.from(toBinary(AttributeProtoSchema, bare)).toString("latin1");
  written.set(attribute, bytes);
  return bytes;
}
