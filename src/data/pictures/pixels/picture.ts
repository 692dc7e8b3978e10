// A picture in memory: bytes row by row, with interleaved channels, as in Pillow.

/** 1: grey; 2: grey and alpha; 3: red, green and blue; 4: these and alpha. */
export type Channels = 1 | 2 | 3 | 4;

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: Channels;
  readonly pixels: Uint8Array;
}

/**
 * The treatment of transparent pixels: keep the stored colour, like Pillow's `convert("RGB")`, or composite on white,
 * like transformers' `do_convert_rgb`.
 */
export type Transparency = "drop" | "white";

/** Converts every pixel to red, green and blue. */
export function toRgb({ width, height, channels, pixels }: Picture, transparency: Transparency): Picture {
  if (channels === 3) return { width, height, channels, pixels };
  const count = width * height;
  const rgb = new Uint8Array(3 * count);
  const isGrey = channels < 3;
  const hasAlpha = channels % 2 === 0;
  for (let i = 0; i < count; i++) {
    const from = i * channels;
    const alpha = hasAlpha && transparency === "white" ? pixels[from + channels - 1] : 255;
    for (let c = 0; c < 3; c++) rgb[3 * i + c] = onWhite(pixels[from + (isGrey ? 0 : c)], alpha);
  }
  return { width, height, channels: 3, pixels: rgb };
}

/** Pillow's `alpha_composite` over opaque white: 7 more bits, then a rounded division by 255. */
function onWhite(byte: number, alpha: number): number {
  const blend = 128 * (byte * alpha + 255 * (255 - alpha)) + (0x80 << 7);
  return (((blend >> 8) + blend) >> 8) >> 7;
}
