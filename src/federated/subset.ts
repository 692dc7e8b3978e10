// A client's part of a data set: a view, without a copy.
import { sha256 } from "../core/index.ts";
import type { Dataset } from "../data/index.ts";

/** The data set with only the samples `indices`, in that order. */
export function subsetOf(data: Dataset, indices: Uint32Array<ArrayBuffer>): Dataset {
  return {
    name: data.name,
    split: data.split,
    count: indices.length,
    inputs: data.inputs,
    labelShape: data.labelShape,
    labelType: data.labelType,
    classes: data.classes,
    get sha256() {
      return sha256(`${data.sha256} ${sha256(new Uint8Array(indices.buffer, indices.byteOffset, indices.byteLength))}`);
    },
    batch: (chosen, options) =>
      data.batch(
        Uint32Array.from(chosen, (i) => indices[i]),
        options,
      ),
  };
}
