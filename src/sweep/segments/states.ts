// The states of a chunk of samples at the current cut: for each mix's beginning, the values that later segments use, a set for each batch.
import type { Tensor } from "../../core/index.ts";

/** Values by their keys in the template. */
export type State = ReadonlyMap<string, Tensor>;

export class States {
  readonly #states = new Map<number, (State | undefined)[]>();
  readonly #holders = new Map<Tensor, number>();
  /** Of all tensors, each counted once. */
  bytes = 0;
  /** The most that there ever were. */
  most = 0;

  get(state: number, batch: number): State {
    return this.#states.get(state)?.[batch] ?? new Map();
  }

  set(state: number, batch: number, values: State): void {
    if (!this.#states.has(state)) this.#states.set(state, []);
    this.#states.get(state)![batch] = values;
    for (const tensor of values.values()) {
      const count = this.#holders.get(tensor) ?? 0;
      this.#holders.set(tensor, count + 1);
      if (count === 0) this.bytes += tensor.data.byteLength;
    }
    this.most = Math.max(this.most, this.bytes);
  }

  delete(state: number, batch: number): void {
    for (const tensor of this.get(state, batch).values()) {
      const count = this.#holders.get(tensor)! - 1;
      if (count > 0) this.#holders.set(tensor, count);
      else {
        this.#holders.delete(tensor);
        this.bytes -= tensor.data.byteLength;
      }
    }
    const batches = this.#states.get(state);
    if (batches) batches[batch] = undefined;
    if (!batches?.some((one) => one)) this.#states.delete(state);
  }
}
