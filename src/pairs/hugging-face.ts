// Two Hugging Face folders of one architecture, or one with two checkpoint files: the config builds the network, whose input says how samples are read and
// whose task how they are scored.
import type { Checkpoint } from "../checkpoints/index.ts";
import { kindsOfFiles, requireAverageable } from "../distance/index.ts";
import {
  type FolderWeights,
  fitWeights,
  layersOfModel,
  type ModelFolder,
  modelOf,
  openSamples,
  openWeights,
  readModelFolder,
  requireSameNetwork,
} from "../hub/index.ts";
import { openEnd, openTwoEnds, requireFinite } from "./end.ts";
import { fitFolder } from "./fit-folder.ts";
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
  const [folder] = folders;
  const model = modelOf(folder, group);
  return {
    a,
    b,
    layers: layersOfModel(model, group),
    parameters: model.parameters,
    tied: model.tied,
    notes: [],
    kinds,
    files,
    facts: { architecture: folder.architecture },
    readData: (name, options) => openSamples(name, options, folders),
    fit: async (data, request) => fitFolder(folder, model, data, request),
    openEnd,
  };
}
