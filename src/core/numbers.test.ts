// Conversions against slow and plain definitions for one element.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { average, averageInto, type DType, fromNumbers, type Tensor, tensor, toNumbers } from "./index.ts";
import { halfValues } from "./numbers.ts";

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent ? sign * 2 ** (exponent - 15) * (1 + fraction / 1024) : sign * 2 ** -24 * fraction;
}

function numberToHalf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size >= 65520) return sign | 0x7c00;
  if (size < 2 ** -14) return sign | roundToEven(size * 2 ** 24); // subnormal; a carry makes the smallest normal
  let exponent = Math.floor(Math.log2(size));
  if (2 ** exponent > size) exponent--; // log2 may round up
  // a carry increments the exponent
  return sign | (((exponent + 15) << 10) + roundToEven((size / 2 ** exponent - 1) * 1024));
}

function numberToBrain(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0];
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

function roundToEven(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low;
}

const allBits = Uint16Array.from({ length: 1 << 16 }, (_, i) => i);
const allOf = (dtype: DType): Tensor => ({ dtype, shape: [1 << 16], data: allBits });
const words = (values: Float32Array | Float64Array) => Buffer.from(values.buffer, values.byteOffset, values.byteLength);
const round = { float16: numberToHalf, bfloat16: numberToBrain } as const;

/** Doubles at, and one bit next to, every value of a 16-bit dtype and every midpoint between two. */
function critical(dtype: "float16" | "bfloat16"): Float64Array {
  const values = [...toNumbers(allOf(dtype))].filter(Number.isFinite).sort((a, b) => a - b);
  const all = values.flatMap((x, i) => [x, (x + (values[i + 1] ?? 2 * x)) / 2]);
  const beside = Float64Array.from(all.flatMap((x) => [x, x, x]));
  const bits = new BigUint64Array(beside.buffer);
  for (let i = 0; i < bits.length; i += 3) {
    bits[i]++;
    if (beside[i + 1] !== 0) bits[i + 1]--;
  }
  return beside;
}

const special = [
  0,
  -0,
  Number.NaN,
  Infinity,
  -Infinity,
  5e-324,
  -5e-324,
  Number.MAX_VALUE,
  3.4028235677973366e38,
  65520,
];

describe("16-bit dtypes", () => {
  it("widen every value exactly", () => {
    expect(
      words(toNumbers(allOf("float16")) as Float32Array).equals(words(Float32Array.from(allBits, halfToNumber))),
    ).toBe(true);
    const brains = new Uint32Array((toNumbers(allOf("bfloat16")) as Float32Array).buffer);
    expect(brains.every((word, i) => word === i * 65536)).toBe(true);
    expect(halfValues()[1]).toBe(2 ** -24);
  });

  it.each(["float16", "bfloat16"] as const)("%s rounds to the nearest, ties to even", (dtype) => {
    const values = critical(dtype);
    const found = fromNumbers(dtype, [values.length], values).data as Uint16Array;
    const wrong = values.findIndex((x, i) => found[i] !== round[dtype](x));
    expect(wrong === -1 ? undefined : [values[wrong], found[wrong]]).toBeUndefined();
    expect([...fromNumbers(dtype, [10], special).data]).toEqual(special.map(round[dtype]));
    expect([...fromNumbers(dtype, [10], Float32Array.from(special)).data]).toEqual(
      [...Float32Array.from(special)].map(round[dtype]),
    );
    expect(() => fromNumbers(dtype, [3], [1])).toThrow("1 elements for shape [3]");
  });

  it.each(["float16", "bfloat16"] as const)("%s rounds any double", (dtype) => {
    const bits = fc.oneof(
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      // exponents around those of float16
      fc
        .tuple(fc.bigInt(990n, 1045n), fc.bigInt(0n, 2n ** 52n - 1n), fc.bigInt(0n, 1n))
        .map(([e, f, s]) => (s << 63n) | (e << 52n) | f),
    );
    fc.assert(
      fc.property(fc.array(bits, { minLength: 200, maxLength: 200, size: "max" }), (all) => {
        const values = new Float64Array(BigUint64Array.from(all).buffer);
        const wanted = Array.from(values, round[dtype]);
        expect([...fromNumbers(dtype, [values.length], values).data]).toEqual(wanted);
        expect([...fromNumbers(dtype, [values.length], [...values]).data]).toEqual(wanted);
      }),
      { numRuns: 40 },
    );
  });
});

it("converts 64-bit integers to the nearest doubles", () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })), (all) => {
      for (const dtype of ["int64", "uint64"] as const) {
        const ints = tensor(
          dtype,
          [all.length],
          all.map((n) => (dtype === "int64" ? BigInt.asIntN(64, n) : n)),
        );
        expect([...toNumbers(ints)]).toEqual(Array.from(ints.data as BigInt64Array, Number));
      }
    }),
  );
});

describe("the average", () => {
  const floats = ["float32", "float64", "float16", "bfloat16"] as const;
  const length = 9001; // more than two chunks
  const random = (dtype: DType, seed: number) => {
    const values = Float64Array.from({ length }, (_, i) => Math.sin((i + 1) * seed) * 2 ** ((i % 60) - 30));
    values.set(special, 4090); // across the end of a chunk
    return fromNumbers(dtype, [length], values);
  };
  const cases = floats.flatMap((a) => floats.flatMap((b) => floats.map((dtype) => [a, b, dtype] as const)));

  it.each(cases)("of %s and %s, as %s, is rounded once", (one, other, dtype) => {
    const [a, b] = [random(one, 1.1), random(other, 2.3)];
    for (const alpha of [0.5, 0.3, 1.7, 0, 1]) {
      const [x, y] = [toNumbers(a), toNumbers(b)];
      const mix = (x: number, y: number) => (x === y && !Number.isFinite(x) ? x : (1 - alpha) * x + alpha * y);
      const mixed = alpha === 0 ? x : alpha === 1 ? y : Float64Array.from(x, (_, i) => mix(x[i], y[i]));
      const wanted = fromNumbers(dtype, [length], mixed);
      const found = average(a, b, alpha, dtype);
      expect([found.dtype, found.shape]).toEqual([dtype, [length]]);
      expect(wanted.data.findIndex((x, i) => !Object.is(x, found.data[i]))).toBe(-1);
    }
  });

  it.each(["float16", "bfloat16"] as const)("of %s is rounded by its definition, for any bits", (dtype) => {
    const wide = toNumbers(allOf(dtype));
    const bits = fc.uint16Array({ minLength: 3000, maxLength: 3000, size: "max" });
    fc.assert(
      fc.property(bits, bits, fc.constantFrom(0.5, 0.25, 0.3, 1 / 3, 0.999), (x, y, alpha) => {
        const [a, b] = [x, y].map((data): Tensor => ({ dtype, shape: [data.length], data }));
        // bfloat16 goes through float32, as PyTorch's average does
        const mixed = Array.from(x, (u, i) => {
          const sum = (1 - alpha) * wide[u] + alpha * wide[y[i]];
          return round[dtype](dtype === "bfloat16" ? Math.fround(sum) : sum);
        });
        expect([...average(a, b, alpha, dtype).data]).toEqual(mixed);
      }),
      { numRuns: 60 },
    );
  });

  it("of every float16 with much smaller values is rounded to even", () => {
    const values = toNumbers(allOf("float16"));
    for (const shift of [1, 0x400, 0x2800, 0x2c00, 0x3000, 0x3400, 0x3800, 0x8400]) {
      const other = allBits.map((n) => n - shift);
      const found = average(allOf("float16"), { ...allOf("float16"), data: other }, 0.5, "float16").data;
      const wrong = allBits.find((n, i) => found[i] !== numberToHalf(values[n] / 2 + values[other[i]] / 2));
      expect(wrong).toBeUndefined();
    }
  });

  it("is an end at alpha 0 and 1, and requires equal sizes", () => {
    const [a, b] = [random("float16", 1.1), random("float16", 2.3)];
    expect(average(a, b, 0, "float16")).toBe(a);
    expect(average(a, b, 1, "float16")).toBe(b);
    expect(() => averageInto(a, a, tensor("float16", [1]), 0.5)).toThrow("9001 and 1 elements averaged into 9001");
  });
});
