// Checkpoints: named tensors in files. Opens safetensors, PyTorch (both forms), npz and ONNX, and shards of the first
// two, by content; reads one tensor at a time; writes the first three formats, and copies of all with tensors replaced.
// Never executes anything in a file, and checks every length against the file's size. May import: core.

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
export {
  adapterFiles,
  adviceOfParts,
  findCheckpoint,
  isCheckpointName,
  partsOfFolder,
  weightFiles,
  withoutWeights,
} from "./folder.ts";
export { type KeyedFile, type Keys, keyOption, withKey } from "./keys.ts";
export { isAverageName } from "./names.ts";
export { readNpy } from "./npz/array.ts";
export { unreadDtype } from "./npz/npy.ts";
export { notesOfSharedFiles } from "./onnx/shared-files.ts";
export { readStructure } from "./onnx/structure.ts";
export { makeRing, type Ring } from "./pieces.ts";
export { selectTensors, storedInfo, storedName, withNote, withoutTensors } from "./select.ts";
export { readPickledDictionary } from "./torch/dictionary.ts";
export { findUnsupported } from "./unsupported.ts";
export { describeEmptyTensors, describePlaceholders, findScale, notFinite } from "./unusable.ts";
export { withCheckpoints } from "./with-checkpoints.ts";
export { rewriteCheckpoint } from "./writing/rewrite.ts";
export { writeCheckpoint } from "./writing/write.ts";
