// The network of a Hugging Face folder, trained from the folder's weights on windows of a text.
import { fromNumbers, inspect, type Tensor, toNumbers, UserError } from "../../core/index.ts";
import { completeFolder, modelOf, openText, openWeights, readModelFolder } from "../../hub/index.ts";
import type { Model } from "../../models/index.ts";
import type { Recipe } from "../recipe/index.ts";
import type { Origin } from "./origin.ts";

export function folderOrigin({ pair: { init }, data: { name } }: Recipe): Origin {
  let read: ReturnType<typeof readModelFolder> | undefined; // read when first needed
  const folder = () => (read ??= readModelFolder(init));
  return {
    openData: async (options) => openText(name, options, [await folder()]),
    async modelFor() {
      const model = modelOf(await folder());
      return { ...model, forward: ({ input }, ...rest) => model.forward({ input_ids: input }, ...rest) };
    },
    start: async (model) => readStart(await openWeights(await folder()), model),
    trainedSizes: async () => ({}),
    async requireFit(_, { weights }, named) {
      if (weights?.every((count) => count === 0))
        throw new UserError(`No token of ${named} counts in the loss. Use texts, or prompts with completions.`);
    },
    takesIgnored: true,
    complete: async (to, checkpoint) => completeFolder(await folder(), to, checkpoint),
  };
}

/** Reads a folder's weights in single precision. */
async function readStart(
  file: Awaited<ReturnType<typeof openWeights>>,
  { parameters }: Model,
): Promise<Map<string, Tensor>> {
  try {
    const start = new Map<string, Tensor>();
    for (const { name, shape } of parameters) {
      const stored = await file.read(name);
      if (!inspect(stored).finite)
        throw new UserError(`${file.path} contains NaN or infinite weights in ${name}. Use an earlier checkpoint.`);
      start.set(name, fromNumbers("float32", shape, toNumbers(stored)));
    }
    return start;
  } finally {
    await file.close();
  }
}
