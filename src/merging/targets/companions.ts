// What belongs to the weights of a, beside the merged ones.
import { join } from "node:path";
import { copyContent, listSome } from "../../core/index.ts";
import { findCompanions, type ModelFolder } from "../../hub/index.ts";

/** Copies it, and returns the names; `left` is a note of what was not copied, but for what is never of use. */
export async function copyCompanions(
  model: ModelFolder,
  weights: readonly string[],
  to: string,
): Promise<{ readonly copied: string[]; readonly left: string[] }> {
  const { paths, others } = await findCompanions(model);
  for (const [name, path] of paths) await copyContent(path, join(to, name));
  const tops = others.filter((name) => !weights.includes(name)).map((name) => name.split("/")[0]);
  const left = [...new Set(tops)].filter((name) => !/^\.|^readme/i.test(name));
  return {
    copied: [...paths.keys()],
    left: left.length ? [`Not copied from ${model.path}: ${listSome(left, 4)}.`] : [],
  };
}
