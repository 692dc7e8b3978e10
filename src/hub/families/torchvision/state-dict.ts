// A weight file without a config. Its tensors identify the torchvision network.
import { dirname } from "node:path";
import { keyOption, type OpenOptions, openCheckpoint } from "../../../checkpoints/index.ts";
import { listSome, nearest, UserError } from "../../../core/index.ts";
import { Config } from "../../config.ts";
import type { ModelFolder } from "../../folder.ts";
import { recognise, torchvisionNames } from "./index.ts";

const prefix = "torchvision:";

/** True for `torchvision:NAME`. */
export const isTorchvision = (model: string): boolean => model.startsWith(prefix);

/** True if a file's tensors, or those under one prefix, form a torchvision network. */
export async function isStateDict(path: string, options: OpenOptions = {}): Promise<boolean> {
  const { found, keys } = await recogniseFile(path, options);
  return found !== undefined || keys.length > 0;
}

/**
 * The network in a file. `model` is `torchvision:NAME`; NAME may be a family, for networks of other sizes.
 * @throws {UserError} if the tensors form no known network, or a different one than `model`
 */
export async function readStateDict(path: string, model?: string, options: OpenOptions = {}): Promise<ModelFolder> {
  const name = model?.slice(prefix.length);
  if (name !== undefined && !torchvisionNames.includes(name)) throw unknownName(name);
  const { found, keys } = await recogniseFile(path, options);
  if (!found && keys.length)
    throw new UserError(
      `${path} contains a torchvision network under ${listSome(keys.map((key) => JSON.stringify(key)))}, not at the top level. Select it with ${keyOption(keys[0], options.end)}.`,
    );
  if (!found)
    throw new UserError(
      `${path} does not contain a supported torchvision network (${listSome(torchvisionNames, 40)}). Name another network with --model.`,
    );
  const { architecture, family, network } = found;
  if (name !== undefined && name !== architecture && name !== family)
    throw new UserError(
      `${path} contains ${architecture === family ? `a ${family} of other sizes` : architecture}, not ${name}. Use --model ${prefix}${architecture}.`,
    );
  return {
    path,
    folder: dirname(path),
    config: new Config(path, {}),
    family: { type: architecture, architectures: [architecture], read: () => network },
    architecture,
    network,
    stateDict: path,
  };
}

function unknownName(name: string): UserError {
  const near = nearest(name, torchvisionNames);
  return new UserError(
    `torchvision's ${name} is not supported${near ? `; did you mean ${near}?` : "."} Supported are ${listSome(torchvisionNames, 40)}.`,
  );
}

/** The network of a file; if there is none at the top level, the keys of networks below it. */
async function recogniseFile(path: string, options: OpenOptions) {
  const file = await openCheckpoint(path, options);
  await file.close();
  const shapes = new Map([...file.tensors].map(([name, { shape }]) => [name, shape]));
  const found = recognise(shapes);
  const parts = found ? [] : new Set([...shapes.keys()].flatMap((name) => /^[^.]+(?=\.)/.exec(name)?.[0] ?? []));
  const under = (key: string) =>
    new Map(
      [...shapes].flatMap(([name, shape]) => (name.startsWith(`${key}.`) ? [[name.slice(key.length + 1), shape]] : [])),
    );
  return { found, keys: [...parts].filter((key) => recognise(under(key))) };
}
