// A model loaded into ONNX Runtime. `run` blocks the calling thread (the binding is synchronous inside), so long work
// runs in another process: see work.ts. The options were chosen by measurement: the memory arena is on (without it,
// runs take four to five times as long), and execution is sequential.
import { availableParallelism } from "node:os";
import * as ort from "onnxruntime-node";
import { type Tensor, type TypedArray, UserError } from "../core/index.ts";

/** Execution providers, by their names on the command line. */
export const devices = ["cpu", "webgpu", "cuda", "coreml", "dml"] as const;
/** A device of ONNX Runtime; which ones exist depends on the machine. */
export type Device = (typeof devices)[number];

/** The device of ONNX Runtime and its threads. */
export interface RuntimeOptions {
  readonly device?: Device;
  /** Threads inside one operation; default: all cores. */
  readonly threads?: number;
  /**
   * Prefix for the name of a trace file with the time of every operation (see `bench/profile.ts`); default no trace.
   */
  readonly profile?: string;
}

export type Tensors = Readonly<Record<string, Tensor>>;

export class Session {
  readonly #session: ort.InferenceSession;

  private constructor(session: ort.InferenceSession) {
    this.#session = session;
  }

  /** Loads a serialised ONNX model, or a model file. Throws {@link UserError} when the device is not available. */
  static async load(
    model: Uint8Array | string,
    { device = "cpu", threads = availableParallelism(), profile }: RuntimeOptions = {},
  ): Promise<Session> {
    const available = ort.listSupportedBackends().map((backend) => backend.name);
    if (!available.includes(device)) {
      throw new UserError(
        `Device ${device} is not available in this installation of ONNX Runtime. Use one of ${available.join(", ")}.`,
      );
    }
    const options: ort.InferenceSession.SessionOptions = {
      executionProviders: [device],
      intraOpNumThreads: threads,
      executionMode: "sequential",
      logSeverityLevel: 3,
      ...(profile ? { enableProfiling: true, profileFilePrefix: profile } : {}),
    };
    const session =
      typeof model === "string"
        ? ort.InferenceSession.create(model, options)
        : ort.InferenceSession.create(model, options);
    return new Session(
      await session.catch((error: Error) => {
        throw device === "cpu" ? error : explainDeviceError(device, error);
      }),
    );
  }

  get inputs(): readonly string[] {
    return this.#session.inputNames;
  }

  get outputs(): readonly string[] {
    return this.#session.outputNames;
  }

  /** Runs the model. The binding copies the outputs into new memory, even where it is given tensors to fill. */
  async run(feeds: Tensors): Promise<Record<string, Tensor>> {
    const results = await this.#session.run(
      Object.fromEntries(this.inputs.map((name) => [name, toOrt(feeds[name], name)])),
    );
    return Object.fromEntries(this.outputs.map((name) => [name, fromOrt(results[name])]));
  }

  async dispose(): Promise<void> {
    await this.#session.release();
  }
}

/** Turns the runtime's error about a device into a {@link UserError} that says what to install. */
function explainDeviceError(device: Device, error: Error): unknown {
  const words = error.message.trim().split("\n")[0];
  const isMissing = /adapter|shared library|provider|driver|device/i.test(words);
  if (!isMissing) return error;
  const advice: Partial<Record<Device, string>> = {
    webgpu: "the driver of a graphics card, with Vulkan (on Linux also libvulkan1), Metal or Direct3D 12",
    cuda: "CUDA 12, cuDNN 9 and the CUDA parts of onnxruntime-node (docs/command-line.md says how)",
  };
  const reason = words.split(/was false\. |ExecutionProvider_\w+: /).at(-1);
  return new UserError(
    `Device ${device} cannot be used on this machine (${reason}). Install ${advice[device] ?? "its driver"}, or use --device cpu.`,
    { cause: error },
  );
}

function toOrt(tensor: Tensor | undefined, name = ""): ort.Tensor {
  if (!tensor) throw new Error(`input ${name} of the model is not fed`);
  return new ort.Tensor(tensor.dtype as "float32", tensor.data as Float32Array, tensor.shape);
}

function fromOrt(result: ort.Tensor): Tensor {
  return { dtype: result.type as Tensor["dtype"], shape: result.dims, data: result.data as TypedArray };
}
