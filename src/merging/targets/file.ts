// A merged file: a copy of a's in the same format, with the record next to it.
import { rename as move } from "node:fs/promises";
import { type Checkpoint, isAverageName, openCheckpoint, rewriteCheckpoint, withKey } from "../../checkpoints/index.ts";
import { listSome, partName, writeAtomic } from "../../core/index.ts";
import type { Keys } from "../../pairs/index.ts";
import { recordPath, recordText } from "../record.ts";
import { requireOut } from "./file-place.ts";
import type { Target } from "./target.ts";

interface FileOptions {
  readonly a: string;
  readonly b: string;
  readonly out: string;
  readonly keys?: Keys;
}

/** `rename` gives the tensors of the written file the names of the ends, if they differ from the file's. */
export function fileTarget(
  { a, b, out, keys = {} }: FileOptions,
  rename: (file: Checkpoint) => Promise<Checkpoint> = async (file) => file,
): Target {
  const part = partName(out); // an existing file at `out` is replaced only when everything is done
  return {
    part,
    ends: [() => openCheckpoint(a, withKey(keys, "a")), () => openCheckpoint(b, withKey(keys, "b"))],
    notes: [],
    requirePlace: (x, y) => requireOut(x, y, out),
    async write({ files: [x], names }, replace) {
      const sha256 = await rewriteCheckpoint(x, part, names, replace);
      return { sha256, notes: notesOfCopy(x, out) };
    },
    openWritten: async () => rename(await openCheckpoint(part, { key: keys.a })),
    async finish(record) {
      await writeAtomic(recordPath({ path: out }), recordText(record));
      await move(part, out);
    },
  };
}

/** Notes about copies of the network in the written file that are unchanged from a: loaders may read these instead. */
function notesOfCopy({ copies = [], sharedOutside }: Checkpoint, out: string): string[] {
  const shared = [...(sharedOutside?.values() ?? [])].flat();
  const unchanged = copies.filter((copy) => !shared.some((name) => name.startsWith(`${copy}.`)));
  const averages = unchanged.filter(isAverageName);
  const others = unchanged.filter((name) => !isAverageName(name));
  const note = (names: readonly string[], what: string) =>
    names.length
      ? [
          `${out}: ${listSome(
            names.map((name) => JSON.stringify(name)),
            3,
          )} ${names.length > 1 ? "are" : "is"} unchanged from a, ${what}.`,
        ]
      : [];
  return [
    ...note(averages, "and loaders that prefer a moving average read it"),
    ...note(others, "with the same names as the network"),
  ];
}
