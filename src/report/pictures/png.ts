// Converts a picture from SVG to PNG: doubled in size, on white, with a font of the package, so that every machine
// draws the same pixels.
import { fileURLToPath } from "node:url";

const fonts = ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"];

export async function pngOf(svg: string): Promise<Uint8Array> {
  const { Resvg } = await import("@resvg/resvg-js");
  const fontFiles = fonts.map((file) => fileURLToPath(import.meta.resolve(`dejavu-fonts-ttf/ttf/${file}`)));
  const font = { fontFiles, loadSystemFonts: false, defaultFontFamily: "DejaVu Sans" };
  return new Resvg(svg, { font, background: "white", fitTo: { mode: "zoom", value: 2 } }).render().asPng();
}
