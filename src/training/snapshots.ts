// A network's checkpoints in its folder: `epoch-0020.safetensors`, with the optimiser's state beside the last one (`epoch-0020.state.safetensors`).
// Random generators need no state: their streams are named by seed and epoch (core/random).
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { openCheckpoint, readAll, writeCheckpoint } from "../checkpoints/index.ts";
import { linkOrCopy, makeFolder, type Tensor, tensor } from "../core/index.ts";
import { dtypeOf, holderOf, type Model } from "../models/index.ts";

/** How far a training has come: epochs and steps done. */
export interface Progress {
  readonly epoch: number;
  readonly step: number;
}

export const checkpointName = (epoch: number): string => `epoch-${String(epoch).padStart(4, "0")}.safetensors`;
const stateName = (epoch: number) => `epoch-${String(epoch).padStart(4, "0")}.state.safetensors`;

/** Writes the state, then the checkpoint: where that is, all is there. Then drops what was only kept for resuming. */
export async function saveSnapshot(
  folder: string,
  model: Model,
  state: Readonly<Record<string, Tensor>>,
  { epoch, step }: Progress,
  isKept: (epoch: number) => boolean,
): Promise<void> {
  const holder = holderOf(model.tied);
  const parameters = new Map(
    model.parameters.map((p): [string, Tensor] => [
      p.name,
      p.kind === "counter" ? tensor("int64", p.shape, [step]) : state[holder(p.name)],
    ]),
  );
  const slots = new Map(Object.entries(state).filter(([name]) => name.includes("#")));
  const progress = { epoch: String(epoch), step: String(step) };
  await write(join(folder, stateName(epoch)), slots, progress);
  const tied: Record<string, string> = model.tied.length ? { tied: JSON.stringify(model.tied) } : {};
  await write(join(folder, checkpointName(epoch)), parameters, { ...progress, ...tied, ...model.fileMetadata });
  for (const earlier of await savedEpochs(folder)) {
    if (earlier >= epoch) continue;
    await rm(join(folder, stateName(earlier)), { force: true });
    if (!isKept(earlier)) await rm(join(folder, checkpointName(earlier)), { force: true });
  }
}

/** Gives a folder the snapshots that another network's has at some epochs (ascending), and nothing else; the last of them makes it whole. */
export async function linkSnapshots(from: string, to: string, epochs: readonly number[]): Promise<void> {
  await makeFolder(to);
  const cut = (await readdir(to)).filter((file) => /^epoch-\d+\.(state\.)?safetensors$/.test(file)); // of a training that was cut
  for (const file of cut) await rm(join(to, file), { force: true });
  for (const file of [stateName(epochs.at(-1)!), ...epochs.map(checkpointName)])
    await linkOrCopy(join(from, file), join(to, file));
}

/** The last snapshot a training can go on from: its progress and everything it carries; undefined when there is none. */
export async function loadLastSnapshot(
  folder: string,
  model: Model,
): Promise<(Progress & { state: Map<string, Tensor> }) | undefined> {
  const epoch = await lastEpoch(folder);
  if (epoch === undefined) return undefined;
  const checkpoint = await openCheckpoint(join(folder, checkpointName(epoch)));
  const slots = await openCheckpoint(join(folder, stateName(epoch)));
  try {
    const state = new Map([...(await readAll(checkpoint)), ...(await readAll(slots))]);
    for (const p of model.parameters) if (dtypeOf(p) !== "float32") state.delete(p.name);
    return { epoch, step: Number(slots.metadata.step), state };
  } finally {
    await checkpoint.close();
    await slots.close();
  }
}

/** The last epoch that was saved whole, checkpoint and state; undefined when there is none. */
export async function lastEpoch(folder: string): Promise<number | undefined> {
  const files = new Set(await readdir(folder).catch(() => []));
  return (await savedEpochs(folder)).filter((epoch) => files.has(stateName(epoch))).at(-1);
}

/** Epochs whose checkpoints lie in the folder, ascending. */
async function savedEpochs(folder: string): Promise<number[]> {
  const files = await readdir(folder).catch(() => []);
  return files
    .flatMap((file) => /^epoch-(\d+)\.safetensors$/.exec(file)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

async function write(
  path: string,
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Record<string, string>,
): Promise<void> {
  const infos = [...tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  await writeCheckpoint(path, "safetensors", infos, async (name) => tensors.get(name)!, metadata);
}
