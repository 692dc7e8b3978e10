// Scores: every sample's loss and error for each mix, in the data set's order; the barrier of each sample follows from them.
import { type Checkpoint, openCheckpoint, writeCheckpoint } from "../checkpoints/index.ts";
import { type Tensor, UserError } from "../core/index.ts";
import { type Mix, mixKey, mixOfEnd } from "./mixes.ts";

/** Loss in nats, or error in percent. */
export type Metric = "loss" | "error";

/** Loss (nats) and error (0 to 1) of every sample; NaN where there is no error. */
export type SampleScores = Readonly<Record<Metric, Float32Array>>;

/** The scores of every sample for every mix. {@link measure} returns them, and {@link saveMeasurement} writes them. */
export class Scores {
  /** Every mix's scores, by its key; those of samples that it has not seen are NaN. */
  readonly rows: ReadonlyMap<string, SampleScores>;
  /** Samples that a mix has seen. */
  readonly counts: Map<string, number>;

  /** What each sample counts for in a mean: its number of labels; undefined where all count the same. */
  readonly weights?: Float32Array;

  /** `counts` if some mixes have not seen all samples of their rows. */
  constructor(rows: Scores["rows"], counts?: Iterable<[string, number]>, weights?: Float32Array) {
    this.rows = rows;
    this.weights = weights;
    this.counts = new Map(counts ?? [...rows].map(([key, { loss }]) => [key, loss.length]));
  }

  /** Room for the scores of some mixes on so many samples. */
  static empty(mixes: readonly Mix[], samples: number, weights?: Float32Array): Scores {
    const row = () => new Float32Array(samples).fill(Number.NaN);
    return new Scores(new Map(mixes.map((mix) => [mixKey(mix), { loss: row(), error: row() }])), [], weights);
  }

  /** Scores of consecutive samples, put together. */
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

  /** The most samples that a mix has seen. */
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

  /** The scores of a mix on the first `count` samples; default all that it has seen. */
  of(mix: Mix, count = this.count(mix)): SampleScores {
    const row = this.rows.get(mixKey(mix));
    if (!row) throw new UserError(`There are no scores of the mix ${mixKey(mix)}. Measure again.`);
    return { loss: row.loss.subarray(0, count), error: row.error.subarray(0, count) };
  }

  /** The scores of an end itself on the first `count` samples. */
  ofEnd(end: "a" | "b", count?: number): SampleScores {
    const [key] = this.rows.keys();
    return this.of(mixOfEnd(end, key.split(" ")), count);
  }

  /** Stores scores from the sample `start` on. */
  write(mix: Mix, start: number, loss: ArrayLike<number>, error?: ArrayLike<number>): void {
    const key = mixKey(mix);
    const row = this.rows.get(key)!;
    row.loss.set(loss, start);
    if (error) row.error.set(error, start);
    this.counts.set(key, start + loss.length);
  }

  /** The scores of samples `from` … `to` alone. */
  slice(from: number, to: number): Scores {
    const rows = [...this.rows].map(([key, { loss, error }]): [string, SampleScores] => [
      key,
      { loss: loss.slice(from, to), error: error.slice(from, to) },
    ]);
    return new Scores(new Map(rows), undefined, this.weights?.slice(from, to));
  }

  /** These scores and others of the same samples. */
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
   * Writes a file: tensors `loss` and `error` [mixes, samples] and, where samples do not count the same, `weights` [samples] in float32; the metadata's
   * `mixes` lists the sources of each row.
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

  /** Reads what {@link save} wrote. */
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
    throw new UserError(`${file.path} does not hold the samples of a measurement. Measure again.`);
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
