// The elements that matching compares, read on demand. A tensor is compared with many others, so the most recent ones
// are cached.
import type { StoredTensors } from "../../checkpoints/index.ts";
import { toNumbers } from "../../core/index.ts";
import type { Held } from "../../graph/index.ts";

type Numbers = ReturnType<typeof toNumbers>;

/** Size of the cache in bytes. */
const mostKept = 1 << 29;

export interface Elements {
  of(file: StoredTensors, name: string): Promise<Numbers>;
  /** The elements of a weight in the graph's file; undefined if it has none. */
  ofGraph(held: Held): Promise<Numbers | undefined>;
}

/** `values` is the graph's file. */
export function elementsOf(values: StoredTensors): Elements {
  const kept = new Map<StoredTensors, Map<string, Numbers>>();
  const order: { file: StoredTensors; name: string; bytes: number }[] = [];
  let total = 0;
  const of = async (file: StoredTensors, name: string): Promise<Numbers> => {
    const known = kept.get(file)?.get(name);
    if (known) return known;
    const numbers = toNumbers(await file.read(name));
    kept.set(file, (kept.get(file) ?? new Map()).set(name, numbers));
    order.push({ file, name, bytes: numbers.byteLength });
    total += numbers.byteLength;
    while (total > mostKept && order.length > 1) {
      const oldest = order.shift()!;
      kept.get(oldest.file)!.delete(oldest.name);
      total -= oldest.bytes;
    }
    return numbers;
  };
  return {
    of,
    async ofGraph(held) {
      if (held.tensor) return toNumbers(held.tensor);
      const { name, copyOf = name } = held;
      return values.tensors.has(copyOf) ? of(values, copyOf) : undefined;
    },
  };
}
