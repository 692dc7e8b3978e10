// Twins: networks that are equal in several runs, such as end a of figures 1 and 5. One run trains the network, and the
// others link to its files.
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { UserError } from "../../core/index.ts";
import type { Device } from "../../runtime/index.ts";
import { checkpointName } from "../../training/index.ts";
import { networkHash, readRecipe, timelineOf } from "../recipe/index.ts";
import { trainingContent } from "./content.ts";
import { networkNames, previewRunFolder, type RunFolder } from "./folder.ts";

/**
 * A network of a run. Device and number of threads decide the order of sums; `content` is the hash of the training
 * samples.
 */
export interface RunNetwork {
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

/**
 * Lists the networks of a run. Throws {@link UserError} if their training started on another device and is not
 * finished.
 */
export async function listNetworks(run: RunFolder, { device: asked = "cpu", cpus }: Machine): Promise<RunNetwork[]> {
  const names = networkNames(run.recipe);
  const device = await run.remember<string>("device", asked);
  const threads = await run.remember("threads", cpus(names.length));
  const content = await trainingContent(run);
  const networks = names.map((name) => ({ run, name, device, threads, content }));
  if (device !== asked && !networks.every(isTrained))
    throw new UserError(
      `The networks in ${run.path} were started on ${device}. Resume with --device ${device}, or choose another folder with --runs.`,
    );
  return networks;
}

/** Finds the finished networks of other runs in a folder. */
async function findTrained(runs: string, others: readonly RunNetwork[]): Promise<RunNetwork[]> {
  const busy = new Set(others.map(({ run }) => run.path));
  const trained: RunNetwork[] = [];
  for (const name of (await readdir(runs).catch(() => [])).sort()) {
    const run = await readRecipe(join(runs, name, "recipe.yaml"))
      .then((recipe) => previewRunFolder(recipe, runs))
      .catch(() => undefined); // not a run, or its folder or text is missing
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

const fileOf = ({ run, name }: RunNetwork, epoch: number) => join(run.path, name, checkpointName(epoch));
const isTrained = (network: RunNetwork) => existsSync(fileOf(network, timelineOf(network.run.recipe).total));

/**
 * Finds a twin for networks that are not trained: an equal network that exists or is earlier in the list, and that
 * keeps every checkpoint that this one keeps.
 */
export async function findTwins(networks: readonly RunNetwork[]): Promise<Map<RunNetwork, RunNetwork>> {
  const folders = new Set(networks.map(({ run }) => dirname(run.path)));
  const trained: RunNetwork[] = [];
  for (const folder of folders) trained.push(...(await findTrained(folder, networks)));
  const missing = networks.filter((one) => !isTrained(one));
  const byKept = [...missing].sort((x, y) => keptIn(y).length - keptIn(x).length);
  const order = [...trained, ...networks.filter(isTrained), ...byKept];
  const twins = new Map<RunNetwork, RunNetwork>();
  for (const network of missing) {
    const identity = identityOf(network);
    const before = identity === undefined ? [] : order.slice(0, order.indexOf(network));
    const twin = before.find((other) => identityOf(other) === identity && keepsAllOf(other, network));
    if (twin) twins.set(network, twin);
  }
  return twins;
}

function identityOf({ run: { recipe }, name, device, threads, content }: RunNetwork): string | undefined {
  const hash = networkHash(recipe, networkNames(recipe).indexOf(name));
  return hash && `${hash} ${device} ${threads} ${content}`;
}

const keptIn = ({ run }: RunNetwork) => timelineOf(run.recipe).kept;

function keepsAllOf(one: RunNetwork, other: RunNetwork): boolean {
  const kept = new Set(keptIn(one));
  return keptIn(other).every((epoch) => kept.has(epoch));
}
