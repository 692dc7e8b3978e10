// Checkpoints whose tensors are contiguous spans of one file: read in pieces, and rewritten by replacing the spans.
import type { Checkpoint } from "./checkpoint.ts";
import type { Source } from "./source.ts";
import { copyPatched, type Patch, replacement } from "./writing/patches.ts";

/** Consecutive bytes of a file. */
export interface Span {
  readonly begin: number;
  readonly end: number;
}

/** Adds `range` and `rewrite` to a checkpoint; `spanOf` returns a tensor's span. */
export function withSpans(checkpoint: Checkpoint, source: Source, spanOf: (name: string) => Span): Checkpoint {
  return {
    ...checkpoint,
    range(name) {
      const { begin, end } = spanOf(name);
      return { size: end - begin, read: (from, ...rest) => source.read(begin + from, ...rest) };
    },
    rewrite: (output, names, replace) => copyPatched(source, output, patchesOf(checkpoint, names, replace, spanOf)),
  };
}

/** A patch for each name. `spanOf` throws if a tensor cannot be replaced. */
export function patchesOf(
  { tensors }: Checkpoint,
  names: ReadonlySet<string>,
  replace: Parameters<typeof replacement>[1],
  spanOf: (name: string) => Span,
): Patch[] {
  return [...names].map((name) => {
    const { begin, end } = spanOf(name);
    return { begin, length: end - begin, bytes: () => replacement(tensors.get(name)!, replace) };
  });
}
