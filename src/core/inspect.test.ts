import fc from "fast-check";
import { expect, it } from "vitest";
import {
  allFinite,
  bytesOf,
  type DType,
  fromNumbers,
  inspect,
  isFloating,
  type Tensor,
  tensor,
  tensorFromBytes,
  toNumbers,
} from "./index.ts";

const asText = (text: string): Tensor => {
  const bytes = Uint8Array.from(Buffer.from(text));
  return tensorFromBytes("uint8", [bytes.length], bytes);
};

it("digests bytes as MurmurHash3 does", () => {
  // from the reference implementation, MurmurHash3_x86_128 with seed 0
  expect(inspect(asText("")).digest).toBe("00000000000000000000000000000000");
  expect(inspect(asText("a")).digest).toBe("a794933c5556b01b5556b01b5556b01b");
  expect(inspect(asText("The quick brown fox jumps over the lazy dog")).digest).toBe(
    "2f1583c3ecee2c675d7bf66ce5e91d2c",
  );
});

it("gives different digests for different bytes or lengths, wherever the bytes are in memory", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), fc.nat(), (bytes, at) => {
      const whole = tensorFromBytes("uint8", [bytes.length], bytes);
      const other = bytes.slice();
      other[at % bytes.length] ^= 1 << (at % 8);
      const moved = new Uint8Array(bytes.length + 1);
      moved.set(bytes, 1);
      const { digest } = inspect(whole);
      expect(inspect(tensorFromBytes("uint8", [bytes.length], moved.subarray(1))).digest).toBe(digest);
      expect(inspect(tensorFromBytes("uint8", [bytes.length], other)).digest).not.toBe(digest);
      expect(inspect(tensorFromBytes("uint8", [bytes.length - 1], bytes.subarray(1))).digest).not.toBe(digest);
    }),
  );
});

it("digests long tensors independently of their chunks", () => {
  const long = Uint8Array.from({ length: (1 << 15) + 37 }, (_, i) => (i * i) >> 3);
  const changed = long.slice();
  changed[1 << 15] ^= 1;
  const of = (bytes: Uint8Array<ArrayBuffer>) => inspect(tensorFromBytes("uint8", [bytes.length], bytes)).digest;
  expect(of(changed)).not.toBe(of(long));
  expect(of(long.slice())).toBe(of(long));
});

it.each(["float32", "float64", "float16", "bfloat16", "int32"] as const)(
  "finds every element of %s that is not finite",
  (dtype) => {
    const length = 20_000;
    for (const bad of [Number.NaN, Infinity, -Infinity])
      for (const at of [0, 1, 8191, 8192, 16_384, length - 1]) {
        const values = Float64Array.from({ length }, (_, i) => (i % 251) - 99.5);
        values[at] = bad;
        const one = fromNumbers(dtype, [length], values);
        expect([inspect(one).finite, allFinite(one)]).toEqual(isFloating(dtype) ? [false, false] : [true, true]);
      }
    const largest = { float32: 0x7f7fffff, float64: 0, float16: 0x7bff, bfloat16: 0x7f7f, int32: 0x7fffffff }[dtype];
    const fine: Tensor = { ...tensor(dtype, [3]), data: tensor(dtype, [3]).data };
    if (dtype !== "float64") new (fine.data.constructor as Uint16ArrayConstructor)(fine.data.buffer)[1] = 0;
    const words =
      dtype === "float16" || dtype === "bfloat16"
        ? new Uint16Array(fine.data.buffer)
        : new Uint32Array(fine.data.buffer);
    if (dtype === "float64") (fine.data as Float64Array)[1] = Number.MAX_VALUE;
    else words[1] = largest;
    expect(inspect(fine).finite).toBe(true);
  },
);

it("finds whether all elements are equal as numbers", () => {
  const dtypes: DType[] = ["float32", "float64", "float16", "bfloat16", "int64", "uint8", "bool"];
  for (const dtype of dtypes) {
    const constant = (values: number[]) => inspect(tensor2(dtype, values)).constant;
    expect([constant([]), constant([1]), constant([1, 1, 1]), constant([1, 0])]).toEqual([true, true, true, false]);
    expect(constant([...new Array(9999).fill(1), 0])).toBe(false);
    expect(constant(new Array(9999).fill(1))).toBe(true);
    if (isFloating(dtype)) expect([constant([0, -0]), constant([Number.NaN, Number.NaN])]).toEqual([true, false]);
    const one = tensor2(dtype, [1, 1, 1]);
    expect(inspect(one).constant).toBe(toNumbers(one).every((x) => x === 1));
    expect(bytesOf(one).length).toBeGreaterThan(0);
  }
  const [odd] = [2n ** 53n];
  expect(inspect(tensor("int64", [2], [odd, odd + 1n])).constant).toBe(false);
});

const tensor2 = (dtype: DType, values: number[]): Tensor =>
  isFloating(dtype) ? fromNumbers(dtype, [values.length], values) : tensor(dtype, [values.length], values);
