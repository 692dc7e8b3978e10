// The order of a safetensors file's tensors. The reference implementation sorts them by dtype, then by name as text, so
// that `layers.10` comes before `layers.2`. Such a file says nothing about the network's order; numbers do.
/**
 * The entries by name, with numbers in numerical order, if they were sorted by run and name as text and that moves any
 * number; otherwise in their own order. `runOf` gives what they were sorted by before the name, such as the dtype.
 * @example orderByNumber([["h.10", 0], ["h.2", 0]], () => "") gives h.2, h.10
 */
export function orderByNumber<T extends readonly [name: string, unknown]>(
  entries: readonly T[],
  runOf: (entry: T) => string,
): readonly T[] {
  const parts = new Map(entries.map((entry) => [entry, entry[0].split(/(\d+)/)]));
  const compare = (x: T, y: T) => compareParts(parts.get(x)!, parts.get(y)!);
  const done = new Set<string>();
  let moves = false;
  for (const [i, entry] of entries.entries()) {
    const before = entries[i - 1];
    const run = runOf(entry);
    const isSameRun = before && runOf(before) === run;
    if (isSameRun ? before[0] > entry[0] : done.has(run)) return entries;
    moves ||= isSameRun && compare(before, entry) > 0;
    done.add(run);
  }
  return moves ? [...entries].sort(compare) : entries;
}

/** Compares texts at even positions and numbers at odd ones. */
function compareParts(x: readonly string[], y: readonly string[]): number {
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    if (x[i] === y[i]) continue;
    const byNumber = i % 2 ? Number(x[i]) - Number(y[i]) : 0;
    return byNumber || (x[i] < y[i] ? -1 : 1);
  }
  return x.length - y.length;
}
