// Checkpoints: named tensors in files of other people's formats. Opens safetensors, PyTorch (both forms), npz, and the
// first two in shards, by content; reads one tensor at a time; writes all three. Nothing in a file is ever executed, and
// no length it claims is believed before it is compared with the file. Imports core only.
export { type Checkpoint, type Format, readAll, type TensorInfo } from "./checkpoint.ts";
export { openCheckpoint } from "./detect.ts";
export { writeCheckpoint } from "./write.ts";
