// Two Hugging Face folders of one architecture: the config builds the network, the tokenizer reads the text.
import { UserError } from "../core/index.ts";
import type { BatchShape, DataOptions, Dataset } from "../data/index.ts";
import { kindsOfFiles, requireAverageable } from "../distance/index.ts";
import type { Graph } from "../graph/index.ts";
import {
  differencesOf,
  type FolderWeights,
  layersOfDecoder,
  type ModelFolder,
  modelOf,
  openText,
  openWeights,
  readModelFolder,
} from "../hub/index.ts";
import { chooseBatch } from "./batch.ts";
import { openEnd, openTwoEnds, requireFinite } from "./end.ts";
import type { Origin } from "./origin.ts";

/** Tokens of a window where nobody chose: the network's longest text, but no more than this. */
const usualContext = 512;

export const huggingFace: Origin<FolderWeights> = {
  openFile: async (path, options) => openWeights(await readModelFolder(path), options),

  async open(files, { a: pathA, b: pathB, group, allowNonfinite }) {
    const [first, second] = files.map(({ model }) => model);
    const differences = differencesOf(first, second);
    if (differences.length)
      throw new UserError(
        `${pathA} and ${pathB} are different networks: ${differences.join("; ")}. Give two folders of one architecture.`,
      );
    const kinds = await kindsOfFiles(...files);
    requireAverageable(kinds, pathA, pathB);
    const [a, b] = await openTwoEnds(files);
    if (!allowNonfinite) await requireFinite(a, b);
    const { decoder, family } = first;
    const model = modelOf(first, group);
    return {
      a,
      b,
      layers: layersOfDecoder(decoder, group),
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
        const facts = { task: `the next token, of ${decoder.vocabulary}, in windows of ${context}` };
        return { model, data, batch: chooseBatch(model, data, batch), isLanguage: true, notes: [], facts, inputs };
      },
      openEnd,
    };
  },
};

/** Windows of a text, by the tokenizer that both folders have. */
async function readText(name: string, options: DataOptions, models: readonly ModelFolder[]): Promise<Dataset> {
  const [{ decoder }] = models;
  const { context = Math.min(...models.map(({ decoder }) => decoder.context), usualContext) } = options;
  if (decoder.positions && context > decoder.context)
    throw new UserError(
      `The network knows ${decoder.context} positions, but --context asks for ${context}. Ask for ${decoder.context} or fewer.`,
    );
  return openText(name, { ...options, context }, models);
}

function inputs(graph: Graph, { inputs: { input_ids } }: BatchShape) {
  return { input_ids: graph.input("input_ids", input_ids.dtype, input_ids.shape) };
}
