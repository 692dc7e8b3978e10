// Which names two sets of tensors have in common, by their shapes alone.
import type { DType } from "../src/core/index.ts";
import { matchNames, type Named } from "../src/distance/names.ts";

export type Entry = readonly number[] | readonly [DType, ...number[]];

export const file = (path: string, entries: Readonly<Record<string, Entry>>): Named => ({
  path,
  tensors: new Map(
    Object.entries(entries).map(([name, entry]) => {
      const [dtype, ...shape] = typeof entry[0] === "string" ? entry : (["float32", ...entry] as const);
      return [name, { dtype: dtype as DType, shape: shape as number[] }];
    }),
  ),
});

export const net = { "conv.weight": [4, 3], "conv.bias": [4], "fc.weight": [2, 4] } as const;
export const prefixed = (prefix: string, entries: Readonly<Record<string, Entry>> = net) =>
  Object.fromEntries(Object.entries(entries).map(([name, entry]) => [prefix + name, entry]));
export const match = (a: Readonly<Record<string, Entry>>, b: Readonly<Record<string, Entry>>, tied: string[][] = []) =>
  matchNames(file("a", a), file("b", b), tied);
/** Each tensor of a with its partner in b. */
export const partners = ({ a, b }: ReturnType<typeof match>) =>
  Object.fromEntries([...a].filter(([name]) => b.has(name)).map(([name, own]) => [own, b.get(name)]));
