// A merged file: a copy of a's in its format, with the record beside it.
import { rename } from "node:fs/promises";
import { type Checkpoint, openCheckpoint, rewriteCheckpoint } from "../../checkpoints/index.ts";
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

export function fileTarget({ a, b, out, keys = {} }: FileOptions): Target {
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
    openWritten: () => openCheckpoint(part, { key: keys.a }),
    async finish(record) {
      await writeAtomic(recordPath(out, false), recordText(record));
      await rename(part, out);
    },
  };
}

/** Copies of the network in the written file, which are still a's: loaders that prefer a moving average read those. */
function notesOfCopy({ copies = [] }: Checkpoint, out: string): string[] {
  if (copies.length === 0) return [];
  const names = listSome(
    copies.map((name) => JSON.stringify(name)),
    3,
  );
  return [
    `${out}: ${names} ${copies.length > 1 ? "are" : "is"} still a's, which a loader that prefers a moving average reads.`,
  ];
}
