// Checkpoints: named tensors in files of other people's formats. Opens safetensors, PyTorch (both forms), npz, ONNX, and
// the first two in shards, by content; reads one tensor at a time; writes the first three, and copies of all with tensors replaced. Nothing in a file is ever executed, and
// no length it claims is believed before it is compared with the file. Imports core only.

export {
  type Checkpoint,
  type Elements,
  type Format,
  type Replace,
  readAll,
  type StoredTensors,
  type TensorInfo,
  tensorsOf,
} from "./checkpoint.ts";
export { chunkBytes, chunksOf } from "./chunks.ts";
export { type OpenOptions, openCheckpoint } from "./detect.ts";
export { notFinite } from "./finite.ts";
export { adapterFiles, adviceOfParts, findCheckpoint, isCheckpointName, partsOfFolder, weightFiles } from "./folder.ts";
export { faultOfEmpty } from "./gathered.ts";
export { isAverageName } from "./names.ts";
export { readNpy } from "./npz/array.ts";
export { readStructure } from "./onnx/structure.ts";
export { makeRing, type Ring } from "./pieces.ts";
export { selectTensors, storedInfo, storedName } from "./select.ts";
export { withCheckpoints } from "./several.ts";
export { strangerIn } from "./strangers.ts";
export { readPickledDictionary } from "./torch/dictionary.ts";
export { rewriteCheckpoint } from "./writing/rewrite.ts";
export { writeCheckpoint } from "./writing/write.ts";
