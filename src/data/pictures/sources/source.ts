// The interface of a picture source: pictures of one split in a fixed order, each with its class.
import type { Split } from "../../dataset.ts";
import type { Picture } from "../pixels/picture.ts";

export interface PictureSource {
  readonly split: Split;
  /** The class index of every picture, or another integer if classes have no names. */
  readonly labels: ArrayLike<number>;
  /** Names of the classes by index, if the data has them. */
  readonly classNames?: readonly string[];
  readonly notes: readonly string[];
  /** The name of a picture in messages. */
  nameOf(index: number): string;
  /**
   * Yields some pictures in order, with as few in memory as possible. Throws a {@link UserError} that names a picture
   * that cannot be read.
   */
  read(indices: readonly number[]): Iterable<Picture>;
  /** SHA-256 of the first pictures and labels in their stored form. */
  hashOf(count: number): string;
}

export interface SourceRequest {
  readonly split?: Split;
  /** The number of pictures needed, from the start. */
  readonly samples?: number;
}
