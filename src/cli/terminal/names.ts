// Shortens layer names to a limited width so that they stay distinct: by dropping the beginning, else by initials, else
// by cutting the middle.

/** Smallest width in which any names can stay distinct. */
export const leastWidth = 12;

const ellipsis = "…";

/**
 * Shortens distinct names to a width of at least {@link leastWidth}; they stay distinct. Names that fit are kept if
 * possible.
 * @example shortenNames(["encoder.layer.0.query", "encoder.layer.1.query"], 12) gives ["….0.query", "….1.query"]
 */
export function shortenNames(names: readonly string[], width: number): string[] {
  const fits = (name: string) => name.length <= width;
  const shortened = (shorten: (name: string) => string) => names.map((name) => (fits(name) ? name : shorten(name)));
  const areGood = (some: readonly string[]) => some.every(fits) && new Set(some).size === names.length;
  const abbreviated = (name: string) => abbreviate(name, width);
  for (const shorten of [(name: string) => dropBeginning(name, width), abbreviated]) {
    const short = shortened(shorten);
    if (areGood(short)) return short;
  }
  for (const shorten of [abbreviated, (name: string) => name])
    for (const head of headLengths(width)) {
      const short = shortened(shorten).map((name) => (fits(name) ? name : cutMiddle(name, head, width)));
      if (areGood(short)) return short;
    }
  return names.map((name, i) => {
    const tag = `#${i + 1}`;
    return name.slice(-(width - tag.length)) + tag;
  });
}

/** Keeps the last components that fit, if any. */
function dropBeginning(name: string, width: number): string {
  const at = [...name.matchAll(/[./]/g)].find(({ index }) => name.length - index < width)?.index;
  return at === undefined ? name : ellipsis + name.slice(at);
}

/** Abbreviates components from the left to their first letter and number, as needed; the last one stays. */
function abbreviate(name: string, width: number): string {
  const parts = name.split(/([./])/);
  for (let i = 0, length = name.length; i < parts.length - 1 && length > width; i += 2) {
    const short = parts[i].slice(0, 1) + (/\d+$/.exec(parts[i].slice(1))?.[0] ?? "");
    length -= parts[i].length - short.length;
    parts[i] = short;
  }
  return parts.join("");
}

/** Lengths of the beginning to try: about half first, zero last. */
function headLengths(width: number): number[] {
  const lengths = Array.from({ length: width - 1 }, (_, i) => i);
  const half = (width - 1) / 2;
  return lengths.sort((x, y) => Math.abs(x - half) - Math.abs(y - half));
}

function cutMiddle(name: string, head: number, width: number): string {
  return `${name.slice(0, head)}${ellipsis}${name.slice(name.length - (width - 1 - head))}`;
}
