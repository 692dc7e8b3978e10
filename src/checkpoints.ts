/**
 * Checkpoint files: safetensors, PyTorch, npz and ONNX. All are read, the first three written, and copies of all are
 * written with tensors replaced. The examples run in a copy of docs/examples.
 * @module layerwise/checkpoints
 */

export {
  type Checkpoint,
  chunksOf,
  type Elements,
  type Format,
  isCheckpointName,
  type OpenOptions,
  openCheckpoint,
  type Replace,
  readAll,
  rewriteCheckpoint,
  type StoredTensors,
  type TensorInfo,
  tensorsOf,
  writeCheckpoint,
} from "./checkpoints/index.ts";
export { UserError } from "./core/index.ts";
