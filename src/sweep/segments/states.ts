// The states at the current cut: for each prefix of the mixes and each chunk, the values that later segments use.
import type { Tensor } from "../../core/index.ts";

/** Values by their keys in the template. */
export type State = ReadonlyMap<string, Tensor>;

export class States {
  readonly #states = new Map<number, (State | undefined)[]>();
  readonly #holders = new Map<Tensor, number>();
  /** Bytes of all tensors, each counted once. */
  bytes = 0;
  /** The largest value of `bytes` so far. */
  most = 0;

  get(state: number, chunk: number): State {
    return this.#states.get(state)?.[chunk] ?? new Map();
  }

  set(state: number, chunk: number, values: State): void {
    if (!this.#states.has(state)) this.#states.set(state, []);
    this.#states.get(state)![chunk] = values;
    for (const tensor of values.values()) {
      const count = this.#holders.get(tensor) ?? 0;
      this.#holders.set(tensor, count + 1);
      if (count === 0) this.bytes += tensor.data.byteLength;
    }
    this.most = Math.max(this.most, this.bytes);
  }

  delete(state: number, chunk: number): void {
    for (const tensor of this.get(state, chunk).values()) {
      const count = this.#holders.get(tensor)! - 1;
      if (count > 0) this.#holders.set(tensor, count);
      else {
        this.#holders.delete(tensor);
        this.bytes -= tensor.data.byteLength;
      }
    }
    const chunks = this.#states.get(state);
    if (chunks) chunks[chunk] = undefined;
    if (!chunks?.some((one) => one)) this.#states.delete(state);
  }
}
