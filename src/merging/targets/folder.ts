// A merged Hugging Face folder that from_pretrained loads: weights in the same files as a's, the files that accompany
// them, a model card and the record.
import { basename, join } from "node:path";
import {
  type Checkpoint,
  openCheckpoint,
  type Replace,
  rewriteCheckpoint,
  storedName,
  withCheckpoints,
  withKey,
} from "../../checkpoints/index.ts";
import { copyContent, makeFolder, partName, sha256, sha256File, UserError, writeAtomic } from "../../core/index.ts";
import { kindsOfFiles } from "../../distance/index.ts";
import {
  type ModelFolder,
  modelOf,
  openWeights,
  readModelFolder,
  requireSameNetwork,
  requireSameTokenizer,
  weightFileOf,
} from "../../hub/index.ts";
import { type Grouping, layersOf } from "../../models/index.ts";
import type { Keys } from "../../pairs/index.ts";
import { recordName, recordText } from "../record.ts";
import { type CardOptions, modelCard } from "./card.ts";
import { copyCompanions } from "./companions.ts";
import { findPlace, moveInto, requireFolderPlace } from "./folder-place.ts";
import { mergekitText, noteOfTypes, requireMergekitPlace } from "./mergekit-file.ts";
import type { Target } from "./target.ts";

interface FolderOptions extends CardOptions {
  readonly a: string;
  readonly b: string;
  readonly out: string;
  readonly keys?: Keys;
  readonly group?: Grouping;
  readonly mergekit?: string;
}

/** Throws {@link UserError} if the two folders have different networks or tokenizers. */
export async function folderTarget(options: FolderOptions): Promise<Target> {
  const { out, keys = {}, group, mergekit } = options;
  const [a, b] = [await readModelFolder(options.a), await readModelFolder(options.b)];
  requireSameNetwork(a, b);
  const notes = await requireSameTokenizer(a, b);
  const place = await findPlace(out);
  const part = partName(place);
  return {
    part,
    ends: [() => openWeights(a, withKey(keys, "a")), () => openWeights(b, withKey(keys, "b"))],
    notes,
    async requirePlace({ readOnly }) {
      if (readOnly) throw new UserError(readOnly);
      await requireFolderPlace([a, b], out, place);
      if (mergekit) await requireMergekitPlace(mergekit, place);
    },
    async findNetwork(x, y) {
      const model = modelOf(a, group);
      const { parameters, tied } = model;
      return { parameters, tied, files: [x, y], layers: layersOf(model), kinds: await kindsOfFiles(x, y) };
    },
    async write({ files: [x] }, replace) {
      await makeFolder(part);
      const { sha256, names } = await writeWeights(a, namesInFile(x, a.network), replace, part);
      const { copied, left } = await copyCompanions(a, b, names, part);
      const files = [...names, ...copied, "README.md", recordName].sort();
      return { sha256, files, notes: [...left, ...(mergekit ? noteOfTypes(x, mergekit) : [])] };
    },
    openWritten: async () => openWeights(await readModelFolder(part)),
    async finish(record, { files: [x], layers }) {
      const configuration = mergekit ? mergekitText([a, b], x, layers, record) : "";
      await writeAtomic(join(part, "README.md"), modelCard([a, b], record, options));
      await writeAtomic(join(part, recordName), recordText(record));
      await requireFolderPlace([a, b], out, place); // files may have been added meanwhile
      if (mergekit) await writeAtomic(mergekit, configuration);
      await moveInto(place, part);
    },
  };
}

/** The common name of each tensor in a's files, including tied tensors that are stored twice. */
function namesInFile(x: Checkpoint, { spellings }: ModelFolder["network"]): Map<string, string> {
  const { checkpoint: own } = x.stored!;
  const common = new Map([...x.tensors.keys()].map((name) => [storedName(x, name), name]));
  for (const name of own.tensors.keys()) {
    const stored = storedName(own, name);
    const known = common.has(stored) ? undefined : spellings(name).find((one) => x.tensors.has(one));
    if (known) common.set(stored, known);
  }
  return common;
}

/** Writes each of a's weight files; returns their names, and their digest computed as for an end. */
async function writeWeights(
  a: ModelFolder,
  names: ReadonlyMap<string, string>,
  replace: Replace,
  part: string,
): Promise<{ readonly sha256: string; readonly names: string[] }> {
  const first = weightFileOf(a);
  const all = await withCheckpoints([() => openCheckpoint(first, { asStored: true })], async ({ files }) => files);
  const hashes: string[] = [];
  for (const file of all) {
    const to = join(part, basename(file));
    if (file === first && all.length > 1) {
      await copyContent(file, to); // the index
      hashes.push(await sha256File(to));
    } else
      hashes.push(
        await withCheckpoints([() => openCheckpoint(file, { asStored: true })], (shard) =>
          rewriteCheckpoint(shard, to, new Set([...shard.tensors.keys()].filter((name) => names.has(name))), (name) =>
            replace(names.get(name)!),
          ),
        ),
      );
  }
  return {
    sha256: hashes.length === 1 ? hashes[0] : sha256(hashes.join("")),
    names: all.map((file) => basename(file)),
  };
}
