// A merged file: a copy of a's in its format, with the record beside it.
import { rename as move } from "node:fs/promises";
import { type Checkpoint, isAverageName, openCheckpoint, rewriteCheckpoint } from "../../checkpoints/index.ts";
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

/** `rename` gives what was written the names of the ends, where those are not the file's. */
export function fileTarget(
  { a, b, out, keys = {} }: FileOptions,
  rename: (file: Checkpoint) => Promise<Checkpoint> = async (file) => file,
): Target {
  const part = partName(out); // what is there under `out` stays until all is done
  return {
    part,
    ends: [() => openCheckpoint(a, { key: keys.a }), () => openCheckpoint(b, { key: keys.b })],
    notes: [],
    requirePlace: (x, y) => requireOut(x, y, out),
    async write({ files: [x], names }, replace) {
      const sha256 = await rewriteCheckpoint(x, part, names, replace);
      return { sha256, notes: notesOfCopy(x, out) };
    },
    openWritten: async () => rename(await openCheckpoint(part, { key: keys.a })),
    async finish(record) {
      await writeAtomic(recordPath(out, false), recordText(record));
      await move(part, out);
    },
  };
}

/** Copies of the network in the written file, which are still a's: loaders that prefer a moving average read those, others a student or a teacher. */
function notesOfCopy({ copies = [] }: Checkpoint, out: string): string[] {
  const averages = copies.filter(isAverageName);
  const others = copies.filter((name) => !isAverageName(name));
  const note = (names: readonly string[], what: string) =>
    names.length
      ? [
          `${out}: ${listSome(
            names.map((name) => JSON.stringify(name)),
            3,
          )} ${names.length > 1 ? "are" : "is"} still a's, which ${what}.`,
        ]
      : [];
  return [
    ...note(averages, "a loader that prefers a moving average reads"),
    ...note(others, `${others.length > 1 ? "have" : "has"} the same names`),
  ];
}
