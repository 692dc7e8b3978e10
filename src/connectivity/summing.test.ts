import { expect, it } from "vitest";
import { randomStream, type Tensor, tensor } from "../core/index.ts";
import { startSumming } from "./summing.ts";
import { addSums, noSums, sumsOf } from "./sums.ts";

const random = randomStream(1, "sums");
const numbers = (n: number) => Float32Array.from({ length: n }, () => random.normal());

it("a thread's sums are those of the main one, in order, also of parts of larger arrays", async () => {
  const whole = numbers(10_000);
  const pairs = Array.from({ length: 8 }, (_, i): [Tensor, Tensor] => {
    const n = 100 + 37 * i;
    return [
      tensor("float32", [n], whole.subarray(i, i + n)),
      tensor(
        "float64",
        [n],
        Array.from({ length: n }, () => random.normal()),
      ),
    ];
  });
  const expected = pairs.map(([a, b]) => sumsOf(a, b));
  const summing = startSumming();
  const got = await Promise.all(pairs.map(([a, b]) => summing.sums(a, b)));
  await summing.close();
  expect(got).toEqual(expected);
  expect(whole).toHaveLength(10_000); // a part was copied, not given away
});

it("sums are those of their definition, and counters have none", () => {
  const [x, y] = [tensor("float32", [3], [1, 2, 3]), tensor("float32", [3], [0, -2, 5])];
  expect(sumsOf(x, y)).toEqual({ difference: 1 + 16 + 4, product: -4 + 15, a: 14, b: 29 });
  expect(addSums(sumsOf(x, y), sumsOf(x, y)).a).toBe(28);
  expect(sumsOf(tensor("int64", [1], [3]), tensor("int64", [1], [5]))).toEqual(noSums);
});
