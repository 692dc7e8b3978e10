// The colour scale of barriers in reports and terminal: diverging and centred on zero, blue for better than the ends,
// red for worse. ColorBrewer's RdBu (Brewer 2003), safe for colour-blind readers.

export type Rgb = readonly [number, number, number];

/** From -limit over zero to +limit, evenly spaced. */
export const stops: readonly Rgb[] = [
  [5, 48, 97],
  [33, 102, 172],
  [67, 147, 195],
  [146, 197, 222],
  [247, 247, 247],
  [244, 165, 130],
  [214, 96, 77],
  [178, 24, 43],
  [103, 0, 31],
];

/** The colour of a value between -limit and limit; beyond them the end's colour. */
export function colourOf(value: number, limit: number): Rgb {
  const share = limit > 0 ? Math.max(-1, Math.min(1, value / limit)) : 0;
  const at = ((share + 1) / 2) * (stops.length - 1);
  const low = Math.min(Math.floor(at), stops.length - 2);
  return stops[low].map((from, i) => Math.round(from + (at - low) * (stops[low + 1][i] - from))) as unknown as Rgb;
}

export const css = ([r, g, b]: Rgb): string => `rgb(${r},${g},${b})`;

/**
 * Whether dark text has more contrast than white on a colour: its relative luminance (WCAG) is above 0.18, which for
 * greys is 118 of 255.
 */
export function isLight([r, g, b]: Rgb): boolean {
  return 0.299 * r + 0.587 * g + 0.114 * b > 118;
}

/** The scale's limit: the largest absolute value, but at least `least`, so that noise around zero stays pale. */
export function limitOf(values: Iterable<number | null | undefined>, least: number): number {
  let limit = least;
  for (const value of values) limit = Math.max(limit, Math.abs(value ?? 0));
  return limit;
}
