// The samples of folders: arrays by the names of the network's inputs, or the text or images that its inputs are made
// from.
import { isModule } from "../core/index.ts";
import { type DataOptions, type Dataset, openData } from "../data/index.ts";
import type { ModelFolder } from "./folder.ts";
import { openImages } from "./images/images.ts";
import { arraysOf, type NetworkInput } from "./network.ts";
import { openLabelled } from "./text/labelled.ts";
import { openText } from "./text/text.ts";

type Open = (name: string, options: DataOptions, models: readonly ModelFolder[]) => Promise<Dataset>;

const readers: Readonly<Record<NetworkInput["kind"], Open>> = {
  "next token": openText,
  text: openLabelled,
  pixels: openImages,
};

/**
 * Opens samples for the network of some folders. Throws {@link UserError} if they cannot be read, or if the folders
 * read them differently.
 */
export function openSamples(name: string, options: DataOptions, models: readonly ModelFolder[]): Promise<Dataset> {
  const { input } = models[0].network;
  if (!name.startsWith("npz:") && !isModule(name)) return readers[input.kind](name, options, models);
  return openData(name, { ...options, declared: { inputs: arraysOf(input), areOthersIgnored: true } });
}
