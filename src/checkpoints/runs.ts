// Checkpoints whose tensors lie in plain runs of one file: read in pieces, and rewritten by replacing the runs.
import type { Checkpoint } from "./checkpoint.ts";
import type { Source } from "./source.ts";
import { copyPatched, type Patch, replacement } from "./writing/patches.ts";

interface Run {
  readonly begin: number;
  readonly end: number;
}

/** The checkpoint with `range` and `rewrite`; `runOf` tells where a tensor lies, or undefined (it is then read whole), or throws when it cannot be replaced. */
export function withRuns(checkpoint: Checkpoint, source: Source, runOf: (name: string) => Run): Checkpoint {
  return {
    ...checkpoint,
    range(name) {
      const { begin, end } = runOf(name);
      return { size: end - begin, read: (from, ...rest) => source.read(begin + from, ...rest) };
    },
    rewrite: (output, names, replace) => copyPatched(source, output, patchesOf(checkpoint, names, replace, runOf)),
  };
}

/** A patch for each of the names. */
export function patchesOf(
  { tensors }: Checkpoint,
  names: ReadonlySet<string>,
  replace: Parameters<typeof replacement>[1],
  runOf: (name: string) => Run,
): Patch[] {
  return [...names].map((name) => {
    const { begin, end } = runOf(name);
    return { begin, length: end - begin, bytes: () => replacement(tensors.get(name)!, replace) };
  });
}
