// Scores: every sample's loss and error for each mix, in the data set's order. Each sample's barrier follows from them.
import { type Checkpoint, openCheckpoint, writeCheckpoint } from "../checkpoints/index.ts";
import { type Tensor, UserError } from "../core/index.ts";
import { type Mix, mixKey, mixOfEnd } from "./mixes.ts";

/** Loss in nats, or error in percent. */
export type Metric = "loss" | "error";

/** Loss (nats) and error (0 to 1) of every sample; NaN where there is no error. */
export type SampleScores = Readonly<Record<Metric, Float32Array>>;

/** The scores of every sample for every mix. {@link measure} returns them, and {@link saveMeasurement} writes them. */
export class Scores {
  /** Every mix's scores, by its key; NaN for samples that it was not evaluated on. */
  readonly rows: ReadonlyMap<string, SampleScores>;
  /** The number of samples that each mix was evaluated on. */
  readonly counts: Map<string, number>;

  /** Each sample's weight in a mean: its number of labels; undefined where all weights are equal. */
  readonly weights?: Float32Array;

  /** `counts` where some mixes were not evaluated on all samples of their rows. */
  constructor(rows: Scores["rows"], counts?: Iterable<[string, number]>, weights?: Float32Array) {
    this.rows = rows;
    this.weights = weights;
    this.counts = new Map(counts ?? [...rows].map(([key, { loss }]) => [key, loss.length]));
  }

  /** Empty scores for mixes and a number of samples. */
  static empty(mixes: readonly Mix[], samples: number, weights?: Float32Array): Scores {
    const row = () => new Float32Array(samples).fill(Number.NaN);
    return new Scores(new Map(mixes.map((mix) => [mixKey(mix), { loss: row(), error: row() }])), [], weights);
  }

  /** Joins the scores of consecutive ranges of samples. */
  static join(parts: readonly Scores[]): Scores {
    const whole = (arrays: readonly Float32Array[]) => {
      const joined = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
      let at = 0;
      for (const array of arrays) {
        joined.set(array, at);
        at += array.length;
      }
      return joined;
    };
    const rows = [...parts[0].rows.keys()].map((key): [string, SampleScores] => {
      const own = parts.map((part) => part.rows.get(key)!);
      return [key, { loss: whole(own.map(({ loss }) => loss)), error: whole(own.map(({ error }) => error)) }];
    });
    const weights = parts.flatMap((part) => part.weights ?? []);
    return new Scores(new Map(rows), undefined, weights.length ? whole(weights) : undefined);
  }

  /** The largest number of samples that a mix was evaluated on. */
  get samples(): number {
    return Math.max(0, ...this.counts.values());
  }

  /** Whether a mix has scores. */
  has(mix: Mix): boolean {
    return this.rows.has(mixKey(mix));
  }

  /** Samples that a mix has seen. */
  count(mix: Mix): number {
    return this.counts.get(mixKey(mix)) ?? 0;
  }

  /** The scores of a mix on the first `count` samples; default all that it was evaluated on. */
  of(mix: Mix, count = this.count(mix)): SampleScores {
    const row = this.rows.get(mixKey(mix));
    if (!row) throw new UserError(`There are no scores for the mix ${mixKey(mix)}. Measure again.`);
    return { loss: row.loss.subarray(0, count), error: row.error.subarray(0, count) };
  }

  /** The scores of an end on the first `count` samples. */
  ofEnd(end: "a" | "b", count?: number): SampleScores {
    const [key] = this.rows.keys();
    return this.of(mixOfEnd(end, key.split(" ")), count);
  }

  /** Stores scores of consecutive samples, starting with sample `start`. */
  write(mix: Mix, start: number, loss: ArrayLike<number>, error?: ArrayLike<number>): void {
    const key = mixKey(mix);
    const row = this.rows.get(key)!;
    row.loss.set(loss, start);
    if (error) row.error.set(error, start);
    this.counts.set(key, start + loss.length);
  }

  /** The scores of samples `from` … `to` only. */
  slice(from: number, to: number): Scores {
    const rows = [...this.rows].map(([key, { loss, error }]): [string, SampleScores] => [
      key,
      { loss: loss.slice(from, to), error: error.slice(from, to) },
    ]);
    return new Scores(new Map(rows), undefined, this.weights?.slice(from, to));
  }

  /** These scores, together with scores of other mixes on the same samples. */
  with(others: Scores): Scores {
    const { weights = others.weights } = this;
    return new Scores(new Map([...this.rows, ...others.rows]), [...this.counts, ...others.counts], weights);
  }

  /** The barrier of each of the first `count` samples: value(mix) - [(1 - alpha) value(a) + alpha value(b)]. */
  barriers(mix: Mix, alpha: number, metric: Metric, count = this.count(mix)): Float64Array {
    const [own, a, b] = [this.of(mix, count), this.ofEnd("a", count), this.ofEnd("b", count)].map((one) => one[metric]);
    return Float64Array.from(own, (value, i) => value - ((1 - alpha) * a[i] + alpha * b[i]));
  }

  /**
   * Writes a file with float32 tensors `loss` and `error` [mixes, samples], and `weights` [samples] where the samples'
   * weights differ. `mixes` in its metadata lists the sources of each row.
   */
  async save(path: string): Promise<void> {
    const { samples } = this;
    const stack = (metric: Metric): Tensor => {
      const data = new Float32Array(this.rows.size * samples);
      [...this.rows.values()].forEach((row, i) => {
        data.set(row[metric].subarray(0, samples), i * samples);
      });
      return { dtype: "float32", shape: [this.rows.size, samples], data };
    };
    const data = this.weights?.slice(0, samples);
    const tensors: Record<string, Tensor> = {
      loss: stack("loss"),
      error: stack("error"),
      ...(data ? { weights: { dtype: "float32", shape: [samples], data } } : {}),
    };
    const infos = Object.entries(tensors).map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
    await writeCheckpoint(path, "safetensors", infos, async (name) => tensors[name], {
      mixes: JSON.stringify([...this.rows.keys()]),
    });
  }

  /** Reads a file written by {@link save}. */
  static async read(path: string): Promise<Scores> {
    const file = await openCheckpoint(path);
    try {
      return await scoresIn(file);
    } finally {
      await file.close();
    }
  }
}

async function scoresIn(file: Checkpoint): Promise<Scores> {
  const mixes: unknown = JSON.parse(file.metadata.mixes ?? "null");
  if (!Array.isArray(mixes))
    throw new UserError(`${file.path} does not contain the scores of a measurement. Measure again.`);
  const [loss, error] = [await file.read("loss"), await file.read("error")];
  const count = loss.shape[1];
  const row = (all: Tensor, i: number) => all.data.slice(i * count, (i + 1) * count) as Float32Array;
  const rows = mixes.map((key: string, i): [string, SampleScores] => [
    key,
    { loss: row(loss, i), error: row(error, i) },
  ]);
  const weights = file.tensors.has("weights") ? ((await file.read("weights")).data as Float32Array) : undefined;
  return new Scores(new Map(rows), undefined, weights);
}
