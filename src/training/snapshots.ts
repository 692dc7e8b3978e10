// A network's checkpoints in its folder: `epoch-0020.safetensors`, and for the last one also the optimiser's state
// (`epoch-0020.state.safetensors`). Random generators have no state: streams are named by seed and epoch (core/random).
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { openCheckpoint, readAll, writeCheckpoint } from "../checkpoints/index.ts";
import { linkOrCopy, makeFolder, type Tensor, tensor } from "../core/index.ts";
import { dtypeOf, holderOf, type Model } from "../models/index.ts";

/** A position in a training: the number of epochs and steps that are done. */
export interface Position {
  readonly epoch: number;
  readonly step: number;
}

export const checkpointName = (epoch: number): string => `epoch-${String(epoch).padStart(4, "0")}.safetensors`;
const stateName = (epoch: number) => `epoch-${String(epoch).padStart(4, "0")}.state.safetensors`;

/**
 * Writes the state, then the checkpoint, so a checkpoint is never without its state. Then removes files that are not
 * needed any more to resume.
 */
export async function saveSnapshot(
  folder: string,
  model: Model,
  state: Readonly<Record<string, Tensor>>,
  { epoch, step }: Position,
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
  const position = { epoch: String(epoch), step: String(step) };
  await write(join(folder, stateName(epoch)), slots, position);
  const tied: Record<string, string> = model.tied.length ? { tied: JSON.stringify(model.tied) } : {};
  await write(join(folder, checkpointName(epoch)), parameters, { ...position, ...tied, ...model.fileMetadata });
  for (const earlier of await savedEpochs(folder)) {
    if (earlier >= epoch) continue;
    await rm(join(folder, stateName(earlier)), { force: true });
    if (!isKept(earlier)) await rm(join(folder, checkpointName(earlier)), { force: true });
  }
}

/**
 * Links another network's snapshots at some epochs (ascending) into a folder, and removes its others. The last link
 * completes it.
 */
export async function linkSnapshots(from: string, to: string, epochs: readonly number[]): Promise<void> {
  await makeFolder(to);
  // of an interrupted training
  const old = (await readdir(to)).filter((file) => /^epoch-\d+\.(state\.)?safetensors$/.test(file));
  for (const file of old) await rm(join(to, file), { force: true });
  for (const file of [stateName(epochs.at(-1)!), ...epochs.map(checkpointName)])
    await linkOrCopy(join(from, file), join(to, file));
}

/**
 * The last snapshot that a training can resume from: its position, parameters and state; undefined where there is none.
 */
export async function loadLastSnapshot(
  folder: string,
  model: Model,
): Promise<(Position & { state: Map<string, Tensor> }) | undefined> {
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

/** The last epoch with both checkpoint and state; undefined where there is none. */
export async function lastEpoch(folder: string): Promise<number | undefined> {
  const files = new Set(await readdir(folder).catch(() => []));
  return (await savedEpochs(folder)).filter((epoch) => files.has(stateName(epoch))).at(-1);
}

/** Epochs with a checkpoint in the folder, ascending. */
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
