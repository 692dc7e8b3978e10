// What the program and its decoding thread say to each other.
import type { Picture } from "../pixels/picture.ts";

/** Where an encoded image is: a file, or a row of a parquet file. */
export type Encoded =
  | { readonly path: string }
  | { readonly path: string; readonly column: string; readonly row: number };

export interface Order {
  readonly id: number;
  readonly images: readonly Encoded[];
  /** Hashes of the encoded bytes in place of pictures. */
  readonly areHashes: boolean;
}

/** What became of one image. */
export type Outcome = { readonly picture: Picture } | { readonly hash: string } | { readonly fault: string };

export interface Answer {
  readonly id: number;
  readonly outcomes: readonly Outcome[];
}

/** The first message to the thread. */
export interface Start {
  readonly port: import("node:worker_threads").MessagePort;
  /** One counter: the number of answers. */
  readonly answers: Int32Array;
}
