// Two Hugging Face folders of one architecture, or one with two checkpoint files: the config builds the network, the tokenizer reads the text.
import type { Checkpoint } from "../checkpoints/index.ts";
import { UserError } from "../core/index.ts";
import type { BatchShape } from "../data/index.ts";
import { kindsOfFiles, requireAverageable } from "../distance/index.ts";
import type { Graph } from "../graph/index.ts";
import {
  type FolderWeights,
  fitWeights,
  type ModelFolder,
  modelOf,
  openText,
  openWeights,
  readModelFolder,
  requireSameNetwork,
} from "../hub/index.ts";
import { layersOf } from "../models/index.ts";
import { chooseBatch } from "./batch.ts";
import { openEnd, openTwoEnds, requireFinite } from "./end.ts";
import type { Ends, EndsRequest, Origin } from "./origin.ts";

export const huggingFace: Origin<FolderWeights> = {
  openFile: async (path, options) => openWeights(await readModelFolder(path), options),

  async open(files, request) {
    const [first, second] = files.map(({ model }) => model);
    requireSameNetwork(first, second);
    return openFiles(files, [first, second], request);
  },
};

/** The network of one folder, with the weights of two checkpoint files: what training writes while it goes on. */
export const folderWithStates: Origin = {
  async open(files, request) {
    const folder = await readModelFolder(request.model.name!);
    const fitted = [await fitWeights(folder, files[0]), await fitWeights(folder, files[1])] as const;
    const ends = await openFiles(fitted, [folder], request);
    return { ...ends, openEnd: async (file) => openEnd(await fitWeights(folder, file)) };
  },
};

/** The ends in two files of the folders' network, which have its names. */
async function openFiles(
  files: readonly [Checkpoint, Checkpoint],
  folders: readonly [ModelFolder, ...ModelFolder[]],
  { a: pathA, b: pathB, group, allowNonfinite }: EndsRequest,
): Promise<Ends> {
  const kinds = await kindsOfFiles(...files);
  requireAverageable(kinds, pathA, pathB);
  const [a, b] = await openTwoEnds(files);
  if (!allowNonfinite) await requireFinite(a, b);
  const [{ family, network }] = folders;
  const model = modelOf(folders[0], group);
  return {
    a,
    b,
    layers: layersOf(model),
    parameters: model.parameters,
    tied: model.tied,
    notes: [],
    kinds,
    files,
    facts: { architecture: family.architectures[0] },
    readData: (name, options) => openText(name, options, folders),
    async fit(data, { task, output, batch }) {
      if (output || (task !== undefined && task !== "tokens"))
        throw new UserError("A language model predicts tokens, so --task and --output do not apply. Leave them out.");
      const [context] = data.labelShape;
      const facts = { task: `the next token, of ${network.input.vocabulary}, in windows of ${context}` };
      return { model, data, batch: chooseBatch(model, data, batch), isLanguage: true, notes: [], facts, inputs };
    },
    openEnd,
  };
}

function inputs(graph: Graph, { inputs: { input_ids } }: BatchShape) {
  return { input_ids: graph.input("input_ids", input_ids.dtype, input_ids.shape) };
}
