// Two Hugging Face folders of one architecture: the config builds the network, whose input says how samples are read and whose task how they are scored. Two
// files of weights of torchvision are the same, but that their tensors tell the network.
import type { OpenOptions } from "../checkpoints/index.ts";
import { UserError } from "../core/index.ts";
import { kindsOfFiles, requireAverageable } from "../distance/index.ts";
import {
  completeFolder,
  differencesOf,
  labelDifference,
  layersOfModel,
  type ModelFolder,
  modelOf,
  openSamples,
  openWeights,
  readModelFolder,
  readStateDict,
} from "../hub/index.ts";
import type { Model } from "../models/index.ts";
import { openEnd, openTwoEnds, requireFinite } from "./end.ts";
import { fitFolder } from "./fit-folder.ts";
import type { Origin } from "./origin.ts";
import { fillHeads, keepHeads, type OwnHeads } from "./own-heads.ts";

type Read = (path: string, options: OpenOptions) => Promise<ModelFolder>;

export const huggingFace: Origin = twoOf((path) => readModelFolder(path));

/** `model` is `torchvision:NAME`. */
export const stateDicts = (model?: string): Origin => twoOf((path, options) => readStateDict(path, model, options));

function twoOf(read: Read): Origin {
  return {
    openFile: async (path, options) => openWeights(await read(path, options), options),

    async open(files, { a: pathA, b: pathB, keys = {}, group, allowNonfinite }) {
      const [first, second] = [await read(pathA, { key: keys.a }), await read(pathB, { key: keys.b })];
      const heads = requireAlike(first, second);
      const folder = heads?.larger ?? first;
      const [fileA, fileB] = files.map((file) => fillHeads(file, folder));
      const kinds = await kindsOfFiles(fileA, fileB);
      requireAverageable(kinds, pathA, pathB);
      const [a, b] = await openTwoEnds([fileA, fileB]);
      if (!allowNonfinite) await requireFinite(a, b);
      const isThere = (name: string) => a.tensors.has(name) && b.tensors.has(name);
      const model = heads ? withOwnHeads(modelOf(folder, group), folder) : modelOf(folder, group);
      const parameters = model.parameters.filter(({ name }) => isThere(name)); // older files lack counters
      return {
        a,
        b,
        layers: layersOfModel({ ...model, parameters }, group),
        parameters,
        tied: model.tied,
        notes: heads ? [heads.note] : [],
        kinds,
        files: [fileA, fileB],
        facts: { architecture: first.architecture },
        readData: (name, options) => openSamples(name, options, [first, second]),
        async fit(data, request) {
          const completed = await completeFolder(folder, request.model);
          const { forward } = completed.network;
          const fitted = fitFolder(completed, { ...model, parameters, forward }, data, request);
          if (heads && fitted.data.classes > heads.shared)
            throw new UserError(
              `${data.name} has the label ${fitted.data.classes - 1}, but one of the two ends tells ${heads.shared} classes apart. Give samples of the classes that both have.`,
            );
          const { head, classes } = request.model;
          return head || classes ? { ...fitted, facts: { ...fitted.facts, texts: (head ?? classes)! } } : fitted;
        },
        openEnd: (file) => openEnd(fillHeads(file, folder)),
      };
    },
  };
}

/** Throws {@link UserError} where two networks cannot be averaged. Heads of different sizes stay each end's own. */
function requireAlike(first: ModelFolder, second: ModelFolder): OwnHeads | undefined {
  const differences = differencesOf(first, second);
  if (differences.length)
    throw new UserError(
      `${first.path} and ${second.path} are different networks: ${differences.join("; ")}. Give two folders of one architecture.`,
    );
  const labels = labelDifference(first, second);
  if (labels?.kind === "number") return keepHeads(first, second);
  if (labels)
    throw new UserError(`The labels of the two differ: ${labels.text}. Give two folders with the same labels.`);
  return undefined;
}

/** A head that stays each end's own is kept, and no layer. */
function withOwnHeads(model: Model, { network: { heads = [] } }: ModelFolder): Model {
  return { ...model, parameters: model.parameters.map((p) => (heads.includes(p.name) ? { ...p, kind: "kept" } : p)) };
}
