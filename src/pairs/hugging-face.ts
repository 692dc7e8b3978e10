// Two Hugging Face folders of one architecture: the config builds the network, the tokenizer reads the text.
import { UserError } from "../core/index.ts";
import type { BatchShape, DataOptions, Dataset } from "../data/index.ts";
import { kindsOfFiles, requireAverageable } from "../distance/index.ts";
import type { Graph } from "../graph/index.ts";
import {
  layersOfModel,
  type ModelFolder,
  modelOf,
  openText,
  openWeights,
  readModelFolder,
  requireSameNetwork,
} from "../hub/index.ts";
import { chooseBatch } from "./batch.ts";
import { openEnd, openTwoEnds, requireFinite } from "./end.ts";
import type { Origin } from "./origin.ts";

/** Tokens of a window where nobody chose: the network's longest text, but no more than this. */
const usualContext = 512;

export const huggingFace: Origin = {
  openFile: async (path, options) => openWeights(await readModelFolder(path), options),

  async open(files, { a: pathA, b: pathB, group, allowNonfinite }) {
    const [first, second] = [await readModelFolder(pathA), await readModelFolder(pathB)];
    requireSameNetwork(first, second);
    const kinds = await kindsOfFiles(...files);
    requireAverageable(kinds, pathA, pathB);
    const [a, b] = await openTwoEnds(files);
    if (!allowNonfinite) await requireFinite(a, b);
    const { family, network } = first;
    const model = modelOf(first, group);
    return {
      a,
      b,
      layers: layersOfModel(model, group),
      parameters: model.parameters,
      tied: model.tied,
      notes: [],
      kinds,
      files,
      facts: { architecture: family.architectures[0] },
      readData: (name, options) => readText(name, options, [first, second]),
      async fit(data, { task, output, batch }) {
        if (output || (task !== undefined && task !== "tokens"))
          throw new UserError("A language model predicts tokens, so --task and --output do not apply. Leave them out.");
        const [context] = data.labelShape;
        const facts = { task: `the next token, of ${network.input.vocabulary}, in windows of ${context}` };
        return { model, data, batch: chooseBatch(model, data, batch), notes: [], facts, inputs };
      },
      openEnd,
    };
  },
};

/** Windows of a text, by the tokenizer that both folders have. */
async function readText(name: string, options: DataOptions, models: readonly ModelFolder[]): Promise<Dataset> {
  const { context: longest, isBounded } = models[0].network.input;
  const { context = Math.min(longest, usualContext) } = options;
  if (isBounded && context > longest)
    throw new UserError(
      `The network knows ${longest} positions, but --context asks for ${context}. Ask for ${longest} or fewer.`,
    );
  return openText(name, { ...options, context }, models);
}

function inputs(graph: Graph, { inputs: { input_ids } }: BatchShape) {
  return { input_ids: graph.input("input_ids", input_ids.dtype, input_ids.shape) };
}
