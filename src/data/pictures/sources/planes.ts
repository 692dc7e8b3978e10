// Sources with pixels in memory: images of one size, with one or three channels of bytes.
import { sha256 } from "../../../core/index.ts";
import type { Picture } from "../pixels/picture.ts";
import type { PictureSource } from "./source.ts";

export interface Planes extends Pick<PictureSource, "split" | "labels" | "classNames" | "notes"> {
  /** The name of the data in messages. */
  readonly path: string;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  /** Channels are stored plane by plane, as in CIFAR, or interleaved. */
  readonly arePlanes: boolean;
  readonly bytes: Uint8Array;
}

export function planeSource({ path, width, height, channels, arePlanes, bytes, ...rest }: Planes): PictureSource {
  const size = width * height * channels;
  const at = (index: number) => bytes.subarray(index * size, (index + 1) * size);
  return {
    ...rest,
    nameOf: (index) => `Image ${index} of ${path}`,
    *read(indices): Iterable<Picture> {
      for (const index of indices) {
        const pixels = arePlanes && channels > 1 ? interleave(at(index), channels) : at(index);
        yield { width, height, channels, pixels };
      }
    },
    hashOf(count) {
      const labels = Array.from({ length: count }, (_, i) => rest.labels[i]);
      return sha256(`${sha256(bytes.subarray(0, count * size))} ${labels.join(" ")}`);
    },
  };
}

function interleave(planes: Uint8Array, channels: number): Uint8Array {
  const size = planes.length / channels;
  const pixels = new Uint8Array(planes.length);
  for (let c = 0; c < channels; c++) for (let i = 0; i < size; i++) pixels[i * channels + c] = planes[c * size + i];
  return pixels;
}
