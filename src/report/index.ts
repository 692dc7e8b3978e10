// Reports: stored results drawn as one self-contained page, SVG pictures and CSV. Computes nothing. May import: connectivity (its types), core.
export {
  allLayers,
  atWeight,
  baseOf,
  drawn,
  fullOf,
  isLanguage,
  type Measured,
  metricsOf,
  samplesOf,
  scansOf,
  scanTitle,
  splitsOf,
} from "./cells.ts";
export { baselineSentence, singles } from "./finding.ts";
export { renderMeasurement } from "./measurement.ts";
export { plain, short, signed } from "./numbers.ts";
export { renderOverview, verdictOf } from "./overview.ts";
export { pngOf } from "./pictures/png.ts";
export { colourOf, isLight, limitOf, type Rgb } from "./pictures/scale.ts";
export { type Rendered, renderRun } from "./run.ts";
export type { RunRecord } from "./run-record.ts";
export { figureTitle } from "./sections.ts";
export { cellsParquet } from "./table.ts";
