// The value of each byte: scaled, then normalised by the channel's mean and standard deviation, in single precision as
// in numpy and PyTorch.

export interface Scaling {
  /** Factor of a byte; undefined if bytes are not scaled. */
  readonly factor?: number;
  /** Divides instead of multiplying, with one rounding less: torchvision divides by 255. */
  readonly isDivision?: boolean;
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
}

/** Computes 256 values for each of three channels. */
export function tablesOf({ factor, isDivision, mean, std }: Scaling): Float32Array[] {
  return [0, 1, 2].map((c) =>
    Float32Array.from({ length: 256 }, (_, byte) => {
      const scaled = Math.fround(factor === undefined ? byte : isDivision ? byte / factor : byte * factor);
      if (!mean || !std) return scaled;
      return Math.fround(scaled - Math.fround(mean[c])) / Math.fround(std[c]);
    }),
  );
}
