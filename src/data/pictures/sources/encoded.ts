// Sources with encoded image files, which a thread decodes on demand.
import { sha256 } from "../../../core/index.ts";
import { openDecoder } from "../decoding/decoder.ts";
import type { Encoded } from "../decoding/orders.ts";
import type { PictureSource } from "./source.ts";

export interface EncodedImages extends Pick<PictureSource, "split" | "labels" | "classNames" | "notes"> {
  readonly images: readonly Encoded[];
}

export async function encodedSource({ images, ...rest }: EncodedImages): Promise<PictureSource> {
  const decoder = await openDecoder();
  const nameOf = (index: number): string => {
    const image = images[index];
    return "row" in image ? `Row ${image.row} of ${image.path}` : image.path;
  };
  return {
    ...rest,
    nameOf,
    read: (indices) =>
      decoder.read(
        indices.map((index) => images[index]),
        (at) => nameOf(indices[at]),
      ),
    hashOf(count) {
      const hashes = decoder.hash(images.slice(0, count), nameOf);
      return sha256(hashes.map((hash, i) => `${rest.labels[i]} ${hash}`).join("\n"));
    },
  };
}
