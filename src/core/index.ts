// What every other folder stands on: tensors, random streams, hashes, errors, atomic files, modules of the user. Imports nothing of ours.
export { average, averageInto, convert } from "./average.ts";
export * from "./errors.ts";
export * from "./files.ts";
export * from "./hash.ts";
export { allFinite, brokenIn, type Inspection, inspect } from "./inspect.ts";
export { type JsonSchema, jsonSchemaOf } from "./json-schema.ts";
export * from "./lock.ts";
export * from "./modules.ts";
export { fromNumbers, toNumbers, valuesOf } from "./numbers.ts";
export { partName } from "./owner.ts";
export * from "./random.ts";
export * from "./tensor.ts";
export { decodeText, readText } from "./text.ts";
export { startThread } from "./threads.ts";
export { watchFiles } from "./unchanged.ts";
