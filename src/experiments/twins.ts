// Twins: networks that come out the same in several runs, such as end a of figures 1 and 5. One run trains them, the others link to its files.
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { checkpointName } from "../training/index.ts";
import { trainingContent } from "./content.ts";
import { networkNames, previewRunFolder, type RunFolder } from "./folder.ts";
import { keptEpochs, lengthOf, networkHash, readRecipe } from "./recipe.ts";

/** A network in its run, trained on so many threads, which decide the order of sums, and on samples of that content. */
export interface Network {
  readonly run: RunFolder;
  readonly name: string;
  readonly threads: number;
  readonly content: string;
}

/** The networks of a run. */
export async function networksOf(run: RunFolder, cpus: (sideBySide: number) => number): Promise<Network[]> {
  const names = networkNames(run.recipe);
  const threads = await run.remember("threads", cpus(names.length));
  const content = await trainingContent(run);
  return names.map((name) => ({ run, name, threads, content }));
}

/** The networks that other runs in a folder have trained to the end. */
async function trainedIn(runs: string, others: readonly Network[]): Promise<Network[]> {
  const busy = new Set(others.map(({ run }) => run.path));
  const trained: Network[] = [];
  for (const name of (await readdir(runs).catch(() => [])).sort()) {
    const recipe = await readRecipe(join(runs, name, "recipe.yaml")).catch(() => undefined);
    const run = recipe && previewRunFolder(recipe, runs);
    if (!run || run.path !== join(runs, name) || busy.has(run.path)) continue;
    const [threads, content] = [await run.remember("threads", 0), await run.remember("data", "")];
    trained.push(
      ...networkNames(recipe)
        .map((one) => ({ run, name: one, threads, content }))
        .filter(isTrained),
    );
  }
  return trained;
}

const fileOf = ({ run, name }: Network, epoch: number) => join(run.path, name, checkpointName(epoch));
const isTrained = (network: Network) => existsSync(fileOf(network, lengthOf(network.run.recipe)));

/**
 * For each network that need not be trained: the one it is a twin of. That one comes out the same, is there already or earlier in the list, and keeps every
 * checkpoint that this one keeps. A network that is trained already has no need of one.
 */
export async function findTwins(networks: readonly Network[]): Promise<Map<Network, Network>> {
  const folders = new Set(networks.map(({ run }) => dirname(run.path)));
  const there: Network[] = [];
  for (const folder of folders) there.push(...(await trainedIn(folder, networks)));
  const missing = networks.filter((one) => !isTrained(one));
  const byKept = [...missing].sort((x, y) => keptEpochs(y.run.recipe).length - keptEpochs(x.run.recipe).length);
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

function identityOf({ run: { recipe }, name, threads, content }: Network): string | undefined {
  const hash = networkHash(recipe, networkNames(recipe).indexOf(name));
  return hash && `${hash} ${threads} ${content}`;
}

function keepsAllOf(one: Network, other: Network): boolean {
  const kept = new Set(keptEpochs(one.run.recipe));
  return keptEpochs(other.run.recipe).every((epoch) => kept.has(epoch));
}
