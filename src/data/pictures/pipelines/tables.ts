// What a byte becomes: scaled, then normalised by its channel's mean and deviation, in single precision as numpy and PyTorch compute it.

export interface Scaling {
  /** Factor of a byte; undefined where bytes stay as they are. */
  readonly factor?: number;
  /** Division in place of multiplication, which rounds once less: torchvision divides by 255. */
  readonly isDivision?: boolean;
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
}

/** 256 numbers for each of three channels. */
export function tablesOf({ factor, isDivision, mean, std }: Scaling): Float32Array[] {
  return [0, 1, 2].map((c) =>
    Float32Array.from({ length: 256 }, (_, byte) => {
      const scaled = Math.fround(factor === undefined ? byte : isDivision ? byte / factor : byte * factor);
      if (!mean || !std) return scaled;
      return Math.fround(scaled - Math.fround(mean[c])) / Math.fround(std[c]);
    }),
  );
}
