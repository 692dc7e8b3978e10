// The Python that PyTorch's side of a comparison runs in: LAYERWISE_PYTHON, otherwise the system's; and the PyTorch that it has.
import { spawnSync } from "node:child_process";

const command = process.env.LAYERWISE_PYTHON ?? "/usr/bin/python3";
const { status, stdout } = spawnSync(command, ["-c", "import torch; print(torch.__version__)"], { encoding: "utf8" });

/** Undefined where it has no PyTorch. */
export const python: string | undefined = status === 0 ? command : undefined;
export const pytorchName = `PyTorch ${stdout?.trim().split("\n").at(-1)}`;

export const noPython = `${command} has no PyTorch: set LAYERWISE_PYTHON to the interpreter of a virtual environment with torch (for large networks also torchvision, transformers, safetensors, onnx and onnxscript)`;

/** PyTorch at its best: OpenBLAS on one thread beside its own pool, and an allocator that keeps its memory. */
export const tuned = {
  OPENBLAS_NUM_THREADS: "1",
  MALLOC_MMAP_MAX_: "0",
  MALLOC_TRIM_THRESHOLD_: "100000000000",
  MALLOC_TOP_PAD_: "268435456",
};
