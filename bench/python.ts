// The Python interpreter with PyTorch for a comparison.
import { describePython, findPython } from "../test/python.ts";

const { python, note } = findPython("torch");

export { python };

export const pytorchName = python ? describePython(python).replace(/^.*, /, "") : "PyTorch";

export const noPython = `no PyTorch${note}; for large networks, the interpreter also needs torchvision, transformers, safetensors, onnx and onnxscript`;

/**
 * Settings for PyTorch's best speed: OpenBLAS on one thread (PyTorch has its own pool), and an allocator that keeps
 * memory.
 */
export const tuned = {
  OPENBLAS_NUM_THREADS: "1",
  MALLOC_MMAP_MAX_: "0",
  MALLOC_TRIM_THRESHOLD_: "100000000000",
  MALLOC_TOP_PAD_: "268435456",
};
