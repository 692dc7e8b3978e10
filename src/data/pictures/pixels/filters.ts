// Pillow's filters for resizing, and the coefficients of input pixels in each output pixel. Source: Pillow's
// src/libImaging/Resample.c. The fixed-point arithmetic is Pillow's too: sums are exact, so the bytes equal Pillow's.

export type Filter = "nearest" | "bilinear" | "bicubic" | "lanczos" | "box" | "hamming";

interface Kernel {
  /** Zero beyond it. */
  readonly support: number;
  readonly weight: (x: number) => number;
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI));

/** Parameter of the cubic spline, as in Pillow. */
const a = -0.5;

export const kernels: Readonly<Record<Exclude<Filter, "nearest">, Kernel>> = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: {
    support: 1,
    weight(x) {
      const d = Math.abs(x);
      if (d === 0) return 1;
      return d >= 1 ? 0 : sinc(d) * (0.54 + 0.46 * Math.cos(d * Math.PI));
    },
  },
  bicubic: {
    support: 2,
    weight(x) {
      const d = Math.abs(x);
      if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
      return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
    },
  },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** Fractional bits of a coefficient: 32, less those for a byte and for a sum of coefficients up to 2. */
export const precisionBits = 22;

/**
 * For every output pixel: its first input pixel, their number, and `width` places for their coefficients in fixed
 * point.
 */
export interface Coefficients {
  readonly width: number;
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly fixed: Int32Array;
}

/** Computes the coefficients for resizing a line of `from` pixels to `to`. */
export function computeCoefficients(filter: Exclude<Filter, "nearest">, from: number, to: number): Coefficients {
  const { support, weight } = kernels[filter];
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const reach = support * stretch;
  const width = Math.ceil(reach) * 2 + 1;
  const [first, count, fixed] = [new Int32Array(to), new Int32Array(to), new Int32Array(to * width)];
  const own = new Float64Array(width);
  for (let x = 0; x < to; x++) {
    const centre = (x + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - reach + 0.5));
    const size = Math.min(from, Math.trunc(centre + reach + 0.5)) - start;
    let sum = 0;
    for (let i = 0; i < size; i++) {
      own[i] = weight((i + start - centre + 0.5) * (1 / stretch));
      sum += own[i];
    }
    for (let i = 0; i < size; i++) {
      const exact = (sum === 0 ? own[i] : own[i] / sum) * (1 << precisionBits);
      fixed[x * width + i] = Math.trunc(exact < 0 ? exact - 0.5 : exact + 0.5);
    }
    first[x] = start;
    count[x] = size;
  }
  return { width, first, count, fixed };
}
