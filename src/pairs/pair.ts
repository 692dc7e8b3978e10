// Opens pairs: two ends of one network, and the samples that they are measured on, checked against each other.
import { openCheckpoint, withCheckpoints, withKey } from "../checkpoints/index.ts";
import { isModule, UsageError, UserError } from "../core/index.ts";
import { openData, otherBatchAxes } from "../data/index.ts";
import { hasDescription, isModelFolder, isStateDict, isTorchvision, readModelFolder } from "../hub/index.ts";
import { networks } from "../models/index.ts";
import { builtIn } from "./built-in.ts";
import { graphWithStates } from "./graph-with-states.ts";
import { folderWithStates, huggingFace, stateDicts } from "./hugging-face.ts";
import type { Ends, EndsRequest, Origin, Pair, PairRequest } from "./origin.ts";
import { twoGraphs } from "./two-graphs.ts";

/**
 * Opens both ends and the samples. Throws {@link UserError} if they do not fit. The pair keeps its files open until it
 * is closed.
 */
export function openPair(request: PairRequest): Promise<Pair> {
  return withEnds(request, async (ends, close) => {
    const { name, ...options } = request.data;
    const { context, declared, readData = openData } = ends;
    const read = (ports = declared) =>
      readData(name, { ...options, context: options.context ?? context, declared: ports });
    const data = await read();
    const fitted = await ends.fit(data, request);
    const notes = [...ends.notes, ...(data.notes ?? []), ...fitted.notes];
    const facts = { ...ends.facts, ...fitted.facts };
    const fitBatch = (batch: number) => ends.fit(data, { ...request, batch });
    const otherAxes = (declared ? otherBatchAxes(declared) : []).map((other) => ({
      ...other,
      fitAlong: async (batch: number) =>
        ends.fit(await read({ ...declared!, batchAxis: other.axis }), { ...request, batch }),
    }));
    return { ...ends, ...fitted, otherAxes, notes, facts, fitBatch, close, [Symbol.asyncDispose]: close };
  });
}

/** Opens both ends of a network without samples. Their files stay open until they are closed. */
export function openEnds(request: EndsRequest): Promise<Ends & AsyncDisposable> {
  return withEnds(request, async (ends, close) => ({ ...ends, [Symbol.asyncDispose]: close }));
}

/** The origin of a pair, found from the paths and the model's name. */
async function originOf({ a, b, model: { name }, keys = {} }: EndsRequest): Promise<Origin> {
  if (name !== undefined) {
    if (!isPath(name)) await requireUndescribed(a, b, name);
    return originOfModel(name);
  }
  const [isFolder, isOther] = [a, b].map(isModelFolder);
  if (isFolder !== isOther)
    throw new UserError(
      `${isFolder ? a : b} is a folder, but ${isFolder ? b : a} is not. Give two folders, or two files.`,
    );
  if (isFolder) return huggingFace;
  if ([a, b].every((path) => path.endsWith(".onnx"))) return twoGraphs;
  if (await isStateDict(a, withKey(keys, "a"))) return stateDicts();
  if (await areGraphs({ a, b, keys })) return twoGraphs;
  throw new UsageError(
    `Name the network of ${a} with --model: a built-in one (\`layerwise models\` lists them), or an .onnx file of its graph. Two .onnx files or Hugging Face folders do not need it.`,
  );
}

/** Whether a model is in a file or folder, which may have other weights than its own. */
const isPath = (name: string): boolean => isModule(name) || name.endsWith(".onnx") || isModelFolder(name);

/** Throws {@link UserError} if a network is named, but two folders describe theirs. */
async function requireUndescribed(a: string, b: string, name: string): Promise<void> {
  if (![a, b].every(hasDescription)) return;
  const read = await Promise.allSettled([a, b].map(readModelFolder)); // others may be any network's
  if (read.every(({ status }) => status === "fulfilled"))
    throw new UserError(
      `${a} and ${b} are Hugging Face folders, which describe their own network, so --model ${name} does not apply. Omit it.`,
    );
}

/** Whether both ends are ONNX graphs, whatever their names. Throws {@link UserError} if one is missing or damaged. */
const areGraphs = ({ a, b, keys }: Pick<Required<EndsRequest>, "a" | "b" | "keys">): Promise<boolean> =>
  withCheckpoints(
    [
      { path: a, ...withKey(keys, "a") },
      { path: b, ...withKey(keys, "b") },
    ],
    async (...ends) => ends.every(({ format }) => format === "onnx"),
  );

/** The origin of two checkpoints of a named model. */
function originOfModel(name: string): Origin {
  if (isTorchvision(name)) return stateDicts(name);
  if (name.endsWith(".onnx")) return graphWithStates;
  const isOurs = isModule(name) || networks.some((network) => network.name === name);
  return !isOurs && isModelFolder(name) ? folderWithStates : builtIn;
}

/** Opens both ends and passes them to `use` with a function that closes their files. Closes them if `use` fails. */
async function withEnds<T>(
  request: EndsRequest,
  use: (ends: Ends, close: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const { a, b, keys = {} } = request;
  const origin = await originOf(request);
  const { openFile = openCheckpoint } = origin;
  const first = await openFile(a, withKey(keys, "a"));
  let second: typeof first | undefined;
  const close = async () => {
    await first.close();
    await second?.close();
  };
  try {
    second = await openFile(b, withKey(keys, "b"));
    return await use(await origin.open([first, second], request), close);
  } catch (error) {
    await close();
    throw error;
  }
}
