// What every reader of pictures gives: a fixed order of pictures of one split, each with its class.
import type { Split } from "../../dataset.ts";
import type { Picture } from "../pixels/picture.ts";

export interface PictureSource {
  readonly split: Split;
  /** Of every picture: the index of its class, or another whole number where classes have no names. */
  readonly labels: ArrayLike<number>;
  /** Names of the classes by index, where the data have them. */
  readonly classNames?: readonly string[];
  readonly notes: readonly string[];
  /** Names a picture in a message. */
  nameOf(index: number): string;
  /** Some pictures in turn; as few in memory as possible. Throws {@link UserError} that names a picture that cannot be read. */
  read(indices: readonly number[]): Iterable<Picture>;
  /** SHA-256 of the first pictures and labels as they are stored. */
  hashOf(count: number): string;
}

export interface SourceRequest {
  readonly split?: Split;
  /** The first so many pictures are enough. */
  readonly samples?: number;
}
