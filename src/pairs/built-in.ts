// A pair of two checkpoints of a built-in network, or of a network from a module.
import type { Checkpoint } from "../checkpoints/index.ts";
import { isModule, listSome, UserError } from "../core/index.ts";
import type { BatchShape } from "../data/index.ts";
import { alignCheckpoints, alignWithModel, kindsOfFiles, requireAverageable } from "../distance/index.ts";
import type { Graph } from "../graph/index.ts";
import {
  buildModel,
  dtypeOf,
  findNetwork,
  layersOf,
  type Model,
  type Network,
  networks,
  type Parameter,
} from "../models/index.ts";
import { chooseBatch } from "./batch.ts";
import { openEnd, openTwoEnds, requireFinite, shareTied } from "./end.ts";
import { fitLabels, requireFit } from "./fit.ts";
import { notesOfParameters } from "./kept.ts";
import type { ModelSpec, Origin } from "./origin.ts";

export const builtIn: Origin = {
  async open(files, { model: spec, group, allowNonfinite }) {
    const network = await findNetwork(spec.name!);
    const { aligned, model: built } = await alignFiles(files, network, spec);
    const { a, b, likeA } = aligned;
    const { tied } = built;
    const kinds = await kindsOfFiles(a, b);
    requireAverageable(kinds, a.path, b.path);
    compareWithModel(a, built);
    const parameters = built.parameters.map((p): Parameter => ({ kind: kinds.of(p.name).parameter, ...p }));
    const model: Model = { ...built, parameters };
    const notes = [...aligned.notes, ...notesOfParameters(kinds, parameters)];
    const [first, second] = await openTwoEnds([a, b]);
    if (!allowNonfinite) await requireFinite(first, second);
    const [x, y] = [shareTied(first, tied, notes), shareTied(second, tied, notes)];
    return {
      a: x,
      b: y,
      layers: layersOf(model, group, (name) => x.tensors.has(name)),
      parameters,
      tied,
      notes,
      kinds,
      facts: {},
      context: model.sizes.context,
      async fit(given, { task, batch, output, data: { name } }) {
        if (output)
          throw new UserError("--output is only for ONNX graphs; built-in networks have one output. Omit it.");
        if (task === "regress")
          throw new UserError(`${model.name} is a classifier, so --task regress does not apply. Omit --task.`);
        const { data, notes } = fitLabels(model, network, given);
        requireFit(model, network, data, name);
        const inputs = (graph: Graph, shape: BatchShape) => inputOf(graph, model, shape);
        const areIndependent = isModule(spec.name!) ? undefined : true;
        return { model, data, batch: chooseBatch(model, data, batch), areIndependent, notes, inputs };
      },
      files: [a, b],
      openEnd: async (file) => shareTied(await openEnd(likeA(file)), tied, []),
    };
  },
};

/** Two files under the model's names, and the model with their sizes. */
async function alignFiles([a, b]: readonly [Checkpoint, Checkpoint], network: Network, { sizes }: ModelSpec) {
  const names = buildModel(network, sizes).parameters.map((p) => p.name); // most names do not depend on the sizes
  const prefix = prefixOf(names, [...a.tensors.keys()]);
  const model = buildModel(network, sizes, (name) => a.tensors.get(prefix + name)?.shape);
  const { tied, parameters } = model;
  const named = {
    path: `the model ${model.name}`,
    tensors: new Map(parameters.map((p) => [p.name, { dtype: dtypeOf(p), shape: p.shape }])),
  };
  return { model, aligned: alignWithModel(await alignCheckpoints(a, b, tied), named, tied) };
}

/** The prefix that most of a model's names have in a file. */
function prefixOf([first, ...rest]: readonly string[], own: readonly string[]): string {
  const there = new Set(own);
  const found = own.filter((name) => name.endsWith(`.${first}`)).map((name) => name.slice(0, -first.length));
  const count = (prefix: string) => rest.filter((name) => there.has(prefix + name)).length;
  return ["", ...found].reduce((best, prefix) => (count(prefix) > count(best) ? prefix : best));
}

/** The input of a built-in network. The array in the data may have any name. */
function inputOf(graph: Graph, { name }: Model, { inputs }: BatchShape) {
  const given = Object.keys(inputs);
  if (given.length > 1)
    throw new UserError(`Model ${name} has one input, but the data has ${given.join(" and ")}. Choose other --data.`);
  const [{ dtype, shape }] = Object.values(inputs);
  return { input: graph.input(given[0], dtype, shape) };
}

/** Whether a checkpoint contains exactly the parameters of a built-in network, in their shapes. */
function hasParameters({ tensors }: Checkpoint, network: Network): boolean {
  const { parameters } = buildModel(network, {}, (name) => tensors.get(name)?.shape);
  const own = parameters.filter(({ kind }) => kind !== "counter");
  const isThere = ({ name, shape }: Parameter) => String(tensors.get(name)?.shape) === String(shape);
  return own.every(isThere) && tensors.size <= parameters.length;
}

/**
 * Throws {@link UserError} if a checkpoint does not fit the network. It may contain a tied tensor under only one of its
 * names.
 */
function compareWithModel(file: Checkpoint, model: Model): void {
  const { path, tensors } = file;
  const wanted = new Map(model.parameters.map((p) => [p.name, p]));
  const isThere = (name: string) =>
    tensors.has(name) || model.tied.some((names) => names.includes(name) && names.some((one) => tensors.has(one)));
  const missing = [...wanted.values()].filter((p) => p.kind !== "counter" && !isThere(p.name)).map((p) => p.name);
  const extra = [...tensors.keys()].filter((name) => !wanted.has(name));
  if (missing.length || extra.length) {
    const parts = [
      missing.length ? `the file lacks ${listSome(missing, 3)}` : "",
      extra.length ? `the model has no ${listSome(extra, 3)}` : "",
    ];
    const others = networks.filter((network) => hasParameters(file, network)).map(({ name }) => name);
    const advice = others.length ? `Use --model ${others.join(" or ")}, which fits.` : "Choose another --model.";
    throw new UserError(`${path} does not fit model ${model.name}: ${parts.filter(Boolean).join(", and ")}. ${advice}`);
  }
  const unlike = [...wanted.values()].filter(
    (p) => p.kind !== "counter" && tensors.has(p.name) && String(tensors.get(p.name)!.shape) !== String(p.shape),
  );
  if (unlike.length) {
    const some = unlike.map((p) => `${p.name} is [${tensors.get(p.name)!.shape}], the model has [${p.shape}]`);
    throw new UserError(
      `${path} does not fit model ${model.name}: ${listSome(some, 3)}. Choose other sizes, or another --model.`,
    );
  }
}
