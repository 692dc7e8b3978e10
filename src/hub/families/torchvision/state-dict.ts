// A file of weights alone, whose tensors tell which of torchvision's networks it holds.
import { dirname } from "node:path";
import { type OpenOptions, openCheckpoint } from "../../../checkpoints/index.ts";
import { listSome, nearest, UserError } from "../../../core/index.ts";
import { Config } from "../../config.ts";
import type { ModelFolder } from "../../folder.ts";
import { recognise, torchvisionNames } from "./index.ts";

const prefix = "torchvision:";

/** True for `torchvision:NAME`. */
export const isTorchvision = (model: string): boolean => model.startsWith(prefix);

/** True where a file's tensors, or those under a part of their names, are those of a network of torchvision. */
export async function isStateDict(path: string, options: OpenOptions = {}): Promise<boolean> {
  const { found, keys } = await recogniseFile(path, options);
  return found !== undefined || keys.length > 0;
}

/**
 * The network that a file holds. `model` is `torchvision:NAME`, where NAME may be that of a family for networks of other sizes.
 * @throws {UserError} where the tensors are of no known network, or of another one than `model`
 */
export async function readStateDict(path: string, model?: string, options: OpenOptions = {}): Promise<ModelFolder> {
  const name = model?.slice(prefix.length);
  if (name !== undefined && !torchvisionNames.includes(name)) throw unknownName(name);
  const { found, keys } = await recogniseFile(path, options);
  if (!found && keys.length)
    throw new UserError(
      `${path} holds a network of torchvision under ${listSome(keys.map((key) => JSON.stringify(key)))}, beside other tensors or under a name of its own. Take it alone with --key ${keys[0]}.`,
    );
  if (!found)
    throw new UserError(
      `${path} holds the tensors of no network of torchvision that layerwise knows (${listSome(torchvisionNames, 40)}). Name another network with --model.`,
    );
  const { architecture, family, network } = found;
  if (name !== undefined && name !== architecture && name !== family)
    throw new UserError(
      `${path} holds ${architecture === family ? `a ${family} of other sizes` : architecture}, not ${name}. Give --model ${prefix}${architecture}.`,
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
    `layerwise does not know torchvision's ${name}${near ? `; did you mean ${near}?` : "."} It knows ${listSome(torchvisionNames, 40)}.`,
  );
}

/** The network of a file; where it is none, the keys under which one is. */
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
