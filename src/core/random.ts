// Reproducible random numbers in named streams. A stream is a seed and a path of names ("order", epoch 3). Two uses
// never share numbers, and a resumed run needs no saved generator: it opens the same stream again.
import { randomNormal } from "d3-random";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import { sha256 } from "./hash.ts";

export interface Random {
  /** Uniform in [0, 1), 53 bits. */
  uniform(): number;
  /** Normal with mean 0 and standard deviation 1. */
  normal(): number;
  /** Uniform integer in [0, below). */
  integer(below: number): number;
  /** A permutation of 0 … n-1 (Fisher–Yates). */
  permutation(n: number): Uint32Array<ArrayBuffer>;
}

/**
 * The stream of `seed` and `names`, e.g. `randomStream(5, "order", 3)`. Equal arguments give equal numbers on every
 * machine.
 */
export function randomStream(seed: number, ...names: (string | number)[]): Random {
  const digest = sha256(JSON.stringify([seed, ...names]));
  const state = [0, 8, 16, 24].map((at) => Number.parseInt(digest.slice(at, at + 8), 16) | 0);
  return new Stream(xoroshiro128plusFromState(state));
}

class Stream implements Random {
  readonly normal: () => number;
  readonly #generator: RandomGenerator;

  constructor(generator: RandomGenerator) {
    this.#generator = generator;
    this.normal = randomNormal.source(() => this.uniform())(0, 1);
  }

  uniform(): number {
    return uniformFloat64(this.#generator);
  }

  integer(below: number): number {
    return uniformInt(this.#generator, 0, below - 1);
  }

  permutation(n: number): Uint32Array<ArrayBuffer> {
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }
}
