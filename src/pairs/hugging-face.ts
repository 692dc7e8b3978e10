// Two Hugging Face folders of one architecture: the config builds the network, whose input says how samples are read and whose task how they are scored.
import { kindsOfFiles, requireAverageable } from "../distance/index.ts";
import { layersOfModel, modelOf, openSamples, openWeights, readModelFolder, requireSameNetwork } from "../hub/index.ts";
import { openEnd, openTwoEnds, requireFinite } from "./end.ts";
import { fitFolder } from "./fit-folder.ts";
import type { Origin } from "./origin.ts";

export const huggingFace: Origin = {
  openFile: async (path, options) => openWeights(await readModelFolder(path), options),

  async open(files, { a: pathA, b: pathB, group, allowNonfinite }) {
    const [first, second] = [await readModelFolder(pathA), await readModelFolder(pathB)];
    requireSameNetwork(first, second);
    const kinds = await kindsOfFiles(...files);
    requireAverageable(kinds, pathA, pathB);
    const [a, b] = await openTwoEnds(files);
    if (!allowNonfinite) await requireFinite(a, b);
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
      facts: { architecture: first.architecture },
      readData: (name, options) => openSamples(name, options, [first, second]),
      fit: async (data, request) => fitFolder(first, model, data, request),
      openEnd,
    };
  },
};
