// Where a layer's weights come from in a mix.

export type Source =
  | { readonly kind: "end"; readonly end: "a" | "b" }
  /** (1 - alpha) A + alpha B. */
  | { readonly kind: "average"; readonly alpha: number }
  /** A step from an end in a random direction, with the norm of the step to the average at alpha. */
  | { readonly kind: "random"; readonly end: "a" | "b"; readonly alpha: number; readonly draw: number }
  /** Running statistics computed on the samples, for every mix that begins alike. */
  | { readonly kind: "recalibrated"; readonly prefix: string };

/**
 * The name of a source, in graphs and in samples files, where a row's mix is listed as one name for each layer: `a`, `b`, `m0.5` (average, alpha),
 * `ra0.5#2` (random: end, alpha, draw), `c12.0` (recalibrated). Part of the file format.
 */
export function keyOf(source: Source): string {
  if (source.kind === "end") return source.end;
  if (source.kind === "average") return `m${source.alpha}`;
  if (source.kind === "random") return `r${source.end}${source.alpha}#${source.draw}`;
  return `c${source.prefix}`;
}

/** The name of a parameter from a source, in graphs. */
export const weightName = (source: Source, parameter: string): string => `${keyOf(source)}:${parameter}`;

export const endOf = (end: "a" | "b"): Source => ({ kind: "end", end });
