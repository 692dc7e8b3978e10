// A pair of two Hugging Face folders of one architecture, or of one folder and two checkpoint files. The config
// determines the network, how samples are read (its input), and how they are scored (its task). Two torchvision weight
// files work the same way, but their tensors determine the network.
import type { Checkpoint, OpenOptions } from "../checkpoints/index.ts";
import { UserError } from "../core/index.ts";
import { kindsOfFiles, requireAverageable } from "../distance/index.ts";
import {
  attachTexts,
  type FolderWeights,
  fitWeights,
  type ModelFolder,
  modelOf,
  openSamples,
  openWeights,
  readModelFolder,
  readStateDict,
  requireSameNetwork,
} from "../hub/index.ts";
import { layersOf, type Model } from "../models/index.ts";
import { openEnd, openTwoEnds, requireFinite } from "./end.ts";
import { fitFolder } from "./fit-folder.ts";
import type { Ends, EndsRequest, Fitted, Origin, PairRequest } from "./origin.ts";
import { fillHeads, keepHeads, type OwnHeads } from "./own-heads.ts";

export const huggingFace = twoOf((path) => readModelFolder(path));

/** `model` is `torchvision:NAME`. */
export const stateDicts = (model?: string) => twoOf((path, options) => readStateDict(path, model, options));

function twoOf(read: (path: string, options: OpenOptions) => Promise<ModelFolder>): Origin<FolderWeights> {
  return {
    openFile: async (path, options) => openWeights(await read(path, options), options),

    async open(files, request) {
      const [first, second] = files.map(({ model }) => model);
      requireSameNetwork(first, second, { mayHeadsDiffer: true });
      const areAlike = first.network.task.count === second.network.task.count;
      return openFiles(files, [first, second], request, areAlike ? undefined : keepHeads(first, second));
    },
  };
}

/** The network of one folder, with the weights of two checkpoint files, such as those written during training. */
export const folderWithStates: Origin = {
  async open(files, request) {
    const folder = await readModelFolder(request.model.name!);
    const fitted = [await fitWeights(folder, files[0]), await fitWeights(folder, files[1])] as const;
    const ends = await openFiles(fitted, [folder], request);
    return { ...ends, openEnd: async (file) => openEnd(await fitWeights(folder, file)) };
  },
};

/** The ends in two files, which already use the names of the folders' network. */
async function openFiles(
  given: readonly [Checkpoint, Checkpoint],
  folders: readonly [ModelFolder, ...ModelFolder[]],
  { a: pathA, b: pathB, group, allowNonfinite }: EndsRequest,
  heads?: OwnHeads,
): Promise<Ends> {
  const folder = heads?.larger ?? folders[0];
  const files = [fillHeads(given[0], folder), fillHeads(given[1], folder)] as const;
  const kinds = await kindsOfFiles(...files);
  requireAverageable(kinds, pathA, pathB);
  const [a, b] = await openTwoEnds(files);
  if (!allowNonfinite) await requireFinite(a, b);
  const whole = modelOf(folder, group);
  const isThere = (name: string) => a.tensors.has(name) && b.tensors.has(name); // older files have no counters
  const parameters = (heads ? withOwnHeads(whole, folder) : whole.parameters).filter(({ name }) => isThere(name));
  const model = { ...whole, parameters };
  return {
    a,
    b,
    layers: layersOf(model),
    parameters,
    tied: model.tied,
    notes: heads ? [heads.note] : [],
    kinds,
    files,
    facts: { architecture: folder.architecture },
    readData: (name, options) => openSamples(name, options, folders),
    fit: (data, request) => fitSamples(folder, model, data, request, heads),
    openEnd: (file) => openEnd(fillHeads(file, folder)),
  };
}

/** Heads that each end keeps are not averaged, and are not layers. */
const withOwnHeads = ({ parameters }: Model, { network: { heads = [] } }: ModelFolder): Model["parameters"] =>
  parameters.map((p) => (heads.includes(p.name) ? { ...p, kind: "kept" } : p));

async function fitSamples(
  folder: ModelFolder,
  model: Model,
  data: Parameters<Ends["fit"]>[0],
  request: PairRequest,
  heads?: OwnHeads,
): Promise<Fitted> {
  const { head, classes } = request.model;
  const completed = await attachTexts(folder, { head, classes });
  const fitted = fitFolder(completed, { ...model, forward: completed.network.forward }, data, request);
  if (heads && fitted.data.classes > heads.shared)
    throw new UserError(
      `${data.name} has the label ${fitted.data.classes - 1}, but one of the two ends has only ${heads.shared} classes. Give samples of the classes that both have.`,
    );
  const texts = head ?? classes;
  return texts === undefined ? fitted : { ...fitted, facts: { ...fitted.facts, texts } };
}
