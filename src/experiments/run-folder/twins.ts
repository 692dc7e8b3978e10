// Twins: networks that come out the same in several runs, such as end a of figures 1 and 5. One run trains them, the others link to its files.
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { UserError } from "../../core/index.ts";
import type { Device } from "../../runtime/index.ts";
import { checkpointName } from "../../training/index.ts";
import { networkHash, readRecipe, timelineOf } from "../recipe/index.ts";
import { trainingContent } from "./content.ts";
import { networkNames, previewRunFolder, type RunFolder } from "./folder.ts";

/** A network in its run, trained on a device and on so many threads, which decide the order of sums, and on samples of that content. */
export interface Network {
  readonly run: RunFolder;
  readonly name: string;
  readonly device: string;
  readonly threads: number;
  readonly content: string;
}

interface Machine {
  readonly device?: Device;
  readonly cpus: (sideBySide: number) => number;
}

/** The networks of a run. Throws {@link UserError} where they were begun on another device and are not trained to the end. */
export async function networksOf(run: RunFolder, { device: asked = "cpu", cpus }: Machine): Promise<Network[]> {
  const names = networkNames(run.recipe);
  const device = await run.remember<string>("device", asked);
  const threads = await run.remember("threads", cpus(names.length));
  const content = await trainingContent(run);
  const networks = names.map((name) => ({ run, name, device, threads, content }));
  if (device !== asked && !networks.every(isTrained))
    throw new UserError(
      `The networks in ${run.path} were begun on ${device}. Go on with --device ${device}, or give another folder as --runs.`,
    );
  return networks;
}

/** The networks that other runs in a folder have trained to the end. */
async function trainedIn(runs: string, others: readonly Network[]): Promise<Network[]> {
  const busy = new Set(others.map(({ run }) => run.path));
  const trained: Network[] = [];
  for (const name of (await readdir(runs).catch(() => [])).sort()) {
    const run = await readRecipe(join(runs, name, "recipe.yaml"))
      .then((recipe) => previewRunFolder(recipe, runs))
      .catch(() => undefined); // no run, or one whose folder or text is gone
    if (!run || run.path !== join(runs, name) || busy.has(run.path)) continue;
    const device = await run.remember<string>("device", "cpu");
    const threads = await run.remember("threads", 0);
    const content = await run.remember("data", "");
    trained.push(
      ...networkNames(run.recipe)
        .map((one) => ({ run, name: one, device, threads, content }))
        .filter(isTrained),
    );
  }
  return trained;
}

const fileOf = ({ run, name }: Network, epoch: number) => join(run.path, name, checkpointName(epoch));
const isTrained = (network: Network) => existsSync(fileOf(network, timelineOf(network.run.recipe).total));

/**
 * For each network that need not be trained: the one it is a twin of. That one comes out the same, is there already or earlier in the list, and keeps every
 * checkpoint that this one keeps. A network that is trained already has no need of one.
 */
export async function findTwins(networks: readonly Network[]): Promise<Map<Network, Network>> {
  const folders = new Set(networks.map(({ run }) => dirname(run.path)));
  const there: Network[] = [];
  for (const folder of folders) there.push(...(await trainedIn(folder, networks)));
  const missing = networks.filter((one) => !isTrained(one));
  const byKept = [...missing].sort((x, y) => keptIn(y).length - keptIn(x).length);
  const order = [...there, ...networks.filter(isTrained), ...byKept];
  const twins = new Map<Network, Network>();
  for (const network of missing) {
    const identity = identityOf(network);
    const before = identity === undefined ? [] : order.slice(0, order.indexOf(network));
    const twin = before.find((other) => identityOf(other) === identity && keepsAllOf(other, network));
    if (twin) twins.set(network, twin);
  }
  return twins;
}

function identityOf({ run: { recipe }, name, device, threads, content }: Network): string | undefined {
  const hash = networkHash(recipe, networkNames(recipe).indexOf(name));
  return hash && `${hash} ${device} ${threads} ${content}`;
}

const keptIn = ({ run }: Network) => timelineOf(run.recipe).kept;

function keepsAllOf(one: Network, other: Network): boolean {
  const kept = new Set(keptIn(one));
  return keptIn(other).every((epoch) => kept.has(epoch));
}
