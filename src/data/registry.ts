// The data sets by name. A new one is a folder and a line here.
import { existsSync } from "node:fs";
import { isModule, listSome, nearest, UserError } from "../core/index.ts";
import { openPythonCifar } from "./cifar-python.ts";
import { cifar10 } from "./cifar10/index.ts";
import { cifar10Half } from "./cifar10-half/index.ts";
import { cifar100 } from "./cifar100/index.ts";
import type { DataOptions, DataSource, Dataset } from "./dataset.ts";
import { openModuleData } from "./module/index.ts";
import { openNpzData } from "./npz/index.ts";
import { isCifar, isPictures } from "./pictures/index.ts";
import { shakespeare } from "./shakespeare/index.ts";

export const dataSources: readonly DataSource[] = [cifar10, cifar10Half, cifar100, shakespeare];

/**
 * Opens the samples of a data set: a built-in one by name, `npz:FILE`, or a `.mjs` module. Throws a {@link UserError}
 * that says what is missing.
 * @example
 * ```ts
 * import { openData } from "layerwise";
 *
 * const data = await openData("rings.mjs", { split: "test", samples: 20 });
 * const { inputs, labels } = data.batch([0, 1, 2]);
 * console.log(data.count, inputs.input.shape, labels.data); // 20 [ 3, 2 ] BigInt64Array(3) [ 0n, 1n, 0n ]
 * ```
 */
export async function openData(name: string, options: DataOptions = {}): Promise<Dataset> {
  const open = await findReader(name);
  if (open === openPythonCifar) return openPythonCifar(name, options);
  if (options.size !== undefined && !["cifar10", "cifar100"].includes(name))
    throw new UserError(
      `A size (--size, or data.size in a recipe) is only for cifar10 and cifar100; ${name} has one size. Omit it.`,
    );
  const { split } = options;
  if (split === "valid")
    throw new UserError(`${name} has no split valid; only folders of texts or images have one. Choose train or test.`);
  return open(name, { ...options, split });
}

/** Throws {@link UserError} if {@link openData} knows no data set of this name. */
export const requireDataName = async (name: string): Promise<void> => void (await findReader(name));

type Reader = (name: string, options: DataOptions & { split?: "train" | "test" }) => Promise<Dataset>;

async function findReader(name: string): Promise<Reader> {
  const source = dataSources.find((known) => known.name === name);
  if (source) return (_, options) => source.open(options);
  if (isCifar(name)) return openPythonCifar;
  if (name.startsWith("npz:")) return (_, options) => openNpzData(name.slice(4), options);
  if (isModule(name)) return openModuleData;
  if (await isPictures(name))
    throw new UserError(
      `${name} contains images, but a network without a folder has no image settings. Give Hugging Face folders, or the images as arrays with npz:FILE.`,
    );
  if (existsSync(name))
    throw new UserError(
      `${name} is not the data of a network without a folder. Texts and labelled texts are for Hugging Face folders; use npz:FILE for arrays, or a .mjs file.`,
    );
  const names = dataSources.map((known) => known.name);
  const near = nearest(name, names);
  throw new UserError(
    `There is no data set ${name}${near ? `; did you mean ${near}?` : "."} Use ${listSome(names, 20)}, npz:FILE for arrays, a .mjs file for a custom data set, or the path of CIFAR's Python files.`,
  );
}
