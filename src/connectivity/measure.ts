// Measures a pair: the barrier of every cell of the scans, in one go or in pieces.
import { bytesOf, sha256, sha256Value, UserError } from "../core/index.ts";
import { openPair, type Pair } from "../pairs/index.ts";
import { openForSweep, type Progress, Scores, Sweep } from "../sweep/index.ts";
import { makeDocument } from "./document.ts";
import type { MeasureOptions } from "./options.ts";
import { mixesOf, planMeasurement } from "./plan.ts";
import { precisionOf, stopAtPrecision } from "./precision.ts";
import type { Measurement } from "./result.ts";

/** The result, and the scores of every sample for every mix. */
export interface MeasureResult {
  readonly document: Measurement;
  readonly scores: Scores;
}

const silent = (_: Progress): void => {};

/**
 * Measures two checkpoints of one network: loss and error of every averaged network of the scans on the same samples,
 * the barriers with 95 % confidence intervals, distances, and a verdict on which layers can be averaged. Losses are in
 * nats, errors in percent. Throws a {@link UserError} if the files, the network and the samples do not fit together.
 * Source: Adilova et al. 2024, arXiv 2307.06966, section 2.
 * @param progress Called with the samples done and their total.
 * @example
 * ```ts
 * import { measure, parseScans } from "layerwise";
 *
 * const { document } = await measure({
 *   a: "rings-a.safetensors",
 *   b: "rings-b.safetensors",
 *   model: { name: "mlp" },
 *   data: { name: "rings.mjs", samples: 100 },
 *   scans: parseScans("single,full"),
 * });
 * const full = document.cells.find(({ scan }) => scan === "full");
 * console.log(full?.loss?.barrier?.toFixed(2)); // 0.68
 * console.log(document.verdict.keep); // [ 'layers.0' ]
 * ```
 */
export async function measure(options: MeasureOptions, progress = silent): Promise<MeasureResult> {
  await using pair = await openForSweep(options);
  const cells = await planMeasurement(pair.layers, options);
  const sweep = makeSweep(pair, options);
  const precision = precisionOf(options);
  const until = precision && stopAtPrecision(cells, precision);
  const scores = await sweep.score(mixesOf(cells, pair.layers), { until, progress });
  return { document: await makeDocument(pair, cells, scores, options), scores };
}

/**
 * One piece of a measurement: the scores of all its mixes on a range of samples. Throws {@link UserError} when the
 * files no longer have the hash `content`.
 */
export async function scorePiece(
  options: MeasureOptions,
  [from, to]: readonly [number, number],
  content: string | undefined,
  progress = silent,
): Promise<Scores> {
  await using pair = await openForSweep(options);
  if (content !== undefined && (await hashContent(pair)) !== content)
    throw new UserError(
      `${options.a}, ${options.b} or the data have changed since the measurement started. Measure again.`,
    );
  const cells = await planMeasurement(pair.layers, options);
  const range = [from, Math.min(to, pair.data.count)] as const;
  const scores = await makeSweep(pair, options).score(mixesOf(cells, pair.layers), { range, progress });
  return scores.slice(...range);
}

/** A measurement from the scores of its pieces, in order; equal to the result of {@link measure}. */
export async function assemble(options: MeasureOptions, pieces: readonly Scores[]): Promise<MeasureResult> {
  await using pair = await openForSweep(options);
  const cells = await planMeasurement(pair.layers, options);
  const scores = Scores.join(pieces);
  return { document: await makeDocument(pair, cells, scores, options), scores };
}

/** The size of a measurement (mixes, samples, samples per chunk), and the hash of its networks and samples. */
export async function readExtent(
  options: MeasureOptions,
): Promise<{ mixes: number; samples: number; batch: number; content: string }> {
  await using pair = await openPair(options);
  const cells = await planMeasurement(pair.layers, options);
  const { data, batch } = pair;
  return { mixes: mixesOf(cells, pair.layers).length, samples: data.count, batch, content: await hashContent(pair) };
}

const makeSweep = (pair: Pair, { statistics, base, orderSeed, runtime, memory }: MeasureOptions) =>
  new Sweep(pair, { statistics, base: base === "b" ? "b" : "a", directionSeed: orderSeed, runtime, memory });

/** The hash of both ends' tensors, the samples, and the layers where a graph's export decides their order. */
async function hashContent({ a, b, data, layers, isOrderOfGraph }: Pair): Promise<string> {
  const hashes: [string, string][][] = [];
  for (const end of [a, b]) {
    const own: [string, string][] = [];
    for (const name of end.tensors.keys()) own.push([name, sha256(bytesOf(await end.read(name)))]);
    hashes.push(own);
  }
  return sha256Value([hashes, data.sha256, ...(isOrderOfGraph ? [layers] : [])]);
}
