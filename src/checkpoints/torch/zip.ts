// PyTorch's zip format: `NAME/data.pkl`, a member `NAME/data/KEY` for every storage, and optionally `NAME/byteorder`.
// Checksums are not verified, since PyTorch can omit them (torch.serialization.set_crc32_options).
import { UserError } from "../../core/index.ts";
import type { Zip } from "../archive/zip.ts";
import { writeZip } from "../archive/zip-writer.ts";
import type { Checkpoint } from "../checkpoint.ts";
import type { KeyChoice } from "../keys.ts";
import { damaged, quote, truncated } from "../source.ts";
import { longestPickle, unpickle } from "./pickle.ts";
import { makeTorchCheckpoint, type TorchFile } from "./torch.ts";
import { torchHost } from "./values.ts";

const pickleName = /^(?:[^/]+\/)?data\.pkl$/;
export function isTorchZip(zip: Zip): boolean {
  return [...zip.entries.keys()].some((name) => pickleName.test(name));
}

export async function openTorchZip(zip: Zip, choice: KeyChoice = {}): Promise<Checkpoint> {
  const { source } = zip;
  const { path } = source;
  const entry = [...zip.entries.values()].find(({ name }) => pickleName.test(name))!;
  const folder = entry.name.slice(0, -"data.pkl".length);
  if (zip.entries.has(`${folder}constants.pkl`)) {
    const advice = `In Python, run torch.save(torch.jit.load(${quote(path)}).state_dict(), "weights.pt").`;
    throw new UserError(`${path} is a TorchScript program, but a state dict is expected. ${advice}`);
  }
  if (entry.size > longestPickle) throw damaged(path, "its pickle is too long for a state dict");
  const pickle = await zip.readRange(entry, 0, entry.size);
  const result = unpickle(pickle, 0, torchHost(path, new Map()));
  if (!result) throw truncated(path, entry.size + 1, entry.size, "its pickle");
  const file: TorchFile = {
    source,
    value: result.value,
    bigEndian: await isBigEndian(zip, `${folder}byteorder`),
    locate({ key }) {
      const member = zip.entries.get(`${folder}data/${key}`);
      if (!member) throw damaged(path, `the storage ${quote(key)} is missing`);
      return { key, size: member.size, packed: member.deflated, read: (...range) => zip.readRange(member, ...range) };
    },
    async rewrite(output, keys, fresh) {
      const writer = writeZip(output);
      for (const member of zip.entries.values()) {
        const key = member.name.startsWith(`${folder}data/`) ? member.name.slice(folder.length + 5) : "";
        await writer.addInPieces(member.name, member.size, keys.has(key) ? fresh(key) : zip.content(member));
      }
      await writer.finish();
    },
  };
  return makeTorchCheckpoint(file, choice);
}

async function isBigEndian(zip: Zip, name: string): Promise<boolean> {
  const entry = zip.entries.get(name);
  if (!entry) return false;
  const order = new TextDecoder().decode(await zip.readRange(entry, 0, Math.min(entry.size, 16)));
  if (order !== "little" && order !== "big")
    throw damaged(zip.source.path, `its byte order ${quote(order)} is unknown`);
  return order === "big";
}
