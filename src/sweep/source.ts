// The source of a layer's weights in a mix.

export type Source =
  | { readonly kind: "end"; readonly end: "a" | "b" }
  /** (1 - alpha) A + alpha B. */
  | { readonly kind: "average"; readonly alpha: number }
  /** A step from an end in a random direction, with the norm of the step to the average at alpha. */
  | { readonly kind: "random"; readonly end: "a" | "b"; readonly alpha: number; readonly draw: number }
  /** Running statistics computed on the samples, shared by mixes with a common prefix. */
  | { readonly kind: "recalibrated"; readonly prefix: string };

/**
 * The name of a source: `a`, `b`, `m0.5` (average, alpha), `ra0.5#2` (random: end, alpha, draw), `c12.0`
 * (recalibrated). Graphs use it, and samples files list a mix as one name for each layer, so it is part of the file
 * format.
 */
export function keyOf(source: Source): string {
  if (source.kind === "end") return source.end;
  if (source.kind === "average") return `m${source.alpha}`;
  if (source.kind === "random") return `r${source.end}${source.alpha}#${source.draw}`;
  return `c${source.prefix}`;
}

/** The name of a parameter from a source in a graph. */
export const weightName = (source: Source, parameter: string): string => `${keyOf(source)}:${parameter}`;

export const endOf = (end: "a" | "b"): Source => ({ kind: "end", end });
