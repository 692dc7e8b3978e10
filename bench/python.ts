// The Python that PyTorch's side of a comparison runs in, and the PyTorch that it has.
import { describePython, findPython } from "../test/python.ts";

const { python, note } = findPython("torch");

export { python };

export const pytorchName = python ? describePython(python).replace(/^.*, /, "") : "PyTorch";

export const noPython = `no PyTorch${note}: for large networks the interpreter needs torchvision, transformers, safetensors, onnx and onnxscript as well`;

/** PyTorch at its best: OpenBLAS on one thread beside its own pool, and an allocator that keeps its memory. */
export const tuned = {
  OPENBLAS_NUM_THREADS: "1",
  MALLOC_MMAP_MAX_: "0",
  MALLOC_TRIM_THRESHOLD_: "100000000000",
  MALLOC_TOP_PAD_: "268435456",
};
