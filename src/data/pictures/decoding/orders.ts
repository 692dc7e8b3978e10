// The messages between the program and its decoding thread.
import type { Picture } from "../pixels/picture.ts";

/** The place of an encoded image: a file, or a row of a parquet file. */
export type Encoded =
  | { readonly path: string }
  | { readonly path: string; readonly column: string; readonly row: number };

export interface Order {
  readonly id: number;
  readonly images: readonly Encoded[];
  /** Return hashes of the encoded bytes instead of pictures. */
  readonly areHashes: boolean;
}

/** The result for one image. */
export type Outcome = { readonly picture: Picture } | { readonly hash: string } | { readonly fault: string };

export interface Answer {
  readonly id: number;
  readonly outcomes: readonly Outcome[];
}

/** The first message to the thread. */
export interface Start {
  readonly port: import("node:worker_threads").MessagePort;
  /** A counter: the number of answers. */
  readonly answers: Int32Array;
}
