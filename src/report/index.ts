// Reports: draws stored results as one self-contained page, SVG pictures and CSV. Computes nothing. May import:
// connectivity (types), core.
export {
  allLayers,
  atAlpha,
  baseOf,
  dataAndSplit,
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
export { describeBaseline, describeFinding } from "./finding.ts";
export { renderMeasurement } from "./measurement.ts";
export { renderOverview } from "./overview.ts";
export { pngOf } from "./pictures/png.ts";
export { colourOf, isLight, limitOf, type Rgb } from "./pictures/scale.ts";
export { type Rendered, renderRun } from "./run.ts";
export { type RunRecord, verdictOf } from "./run-record.ts";
export { figureTitle } from "./sections.ts";
export { cellsParquet } from "./table.ts";
