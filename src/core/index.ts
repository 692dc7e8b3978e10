// The base of every other folder: tensors, random streams, hashes, errors, atomic files, the user's modules. Imports no
// other folder.
export { average, averageInto, convert, noteOfAlphas } from "./average.ts";
export * from "./errors.ts";
export * from "./files.ts";
export { plain, short, signed } from "./format.ts";
export * from "./hash.ts";
export { allFinite, brokenIn, type Inspection, inspect } from "./inspect.ts";
export { type JsonSchema, jsonSchemaOf } from "./json-schema.ts";
export * from "./lock/lock.ts";
export { partName } from "./lock/owner.ts";
export * from "./modules.ts";
export { fromNumbers, toNumbers, valuesOf } from "./numbers.ts";
export * from "./random.ts";
export * from "./tensor.ts";
export { decodeText, readText } from "./text.ts";
export { startThread } from "./threads.ts";
export { watchFiles } from "./unchanged.ts";
