// Federated averaging (FedAvg, McMahan et al. 2017): the mean of the clients' tensors, weighted by their numbers of
// samples; of all tensors, or of some layers only.
import { openCheckpoint } from "../checkpoints/index.ts";
import { fromNumbers, isFloating, type Tensor, toNumbers } from "../core/index.ts";

/**
 * The weighted mean of the named tensors over checkpoint files, summed in double precision. Counters (integers) are
 * left out, so each client keeps its own.
 */
export async function averageCheckpoints(
  paths: readonly string[],
  samples: readonly number[],
  names: readonly string[],
): Promise<Map<string, Tensor>> {
  const total = samples.reduce((sum, n) => sum + n, 0);
  const sums = new Map<string, { shape: readonly number[]; dtype: Tensor["dtype"]; values: Float64Array }>();
  for (const [client, path] of paths.entries()) {
    const checkpoint = await openCheckpoint(path);
    try {
      for (const name of names) {
        const tensor = await checkpoint.read(name);
        if (!isFloating(tensor.dtype)) continue;
        const values = toNumbers(tensor);
        const sum = sums.get(name) ?? { ...tensor, values: new Float64Array(values.length) };
        sums.set(name, sum);
        for (let i = 0; i < values.length; i++) sum.values[i] += (samples[client] / total) * values[i];
      }
    } finally {
      await checkpoint.close();
    }
  }
  return new Map([...sums].map(([name, { dtype, shape, values }]) => [name, fromNumbers(dtype, shape, values)]));
}
