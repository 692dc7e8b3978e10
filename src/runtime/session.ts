// A model loaded into ONNX Runtime. `run` blocks the thread it is called on (the binding is synchronous inside), so long work goes
// beside the main thread: see work.ts. Options were measured: the memory arena stays on (off is four to five times slower) and execution
// stays sequential.
import { availableParallelism } from "node:os";
import * as ort from "onnxruntime-node";
import { type Tensor, type TypedArray, UserError } from "../core/index.ts";

/** Execution providers by the name the command line uses. */
export const devices = ["cpu", "webgpu", "cuda", "coreml", "dml"] as const;
/** A device of ONNX Runtime; which ones exist depends on the machine. */
export type Device = (typeof devices)[number];

/** The device of ONNX Runtime and its threads. */
export interface RuntimeOptions {
  readonly device?: Device;
  /** Threads inside one operation; default: all cores. */
  readonly threads?: number;
  /** What the name of the runtime's trace begins with, where one is wanted: every operation with its time, for `bench/profile.ts`. */
  readonly profile?: string;
}

export type Tensors = Readonly<Record<string, Tensor>>;

export class Session {
  readonly #session: ort.InferenceSession;

  private constructor(session: ort.InferenceSession) {
    this.#session = session;
  }

  /** Loads a serialised ONNX model, or a file of one. Throws {@link UserError} when the device is not there. */
  static async load(
    model: Uint8Array | string,
    { device = "cpu", threads = availableParallelism(), profile }: RuntimeOptions = {},
  ): Promise<Session> {
    const here = ort.listSupportedBackends().map((backend) => backend.name);
    if (!here.includes(device)) {
      throw new UserError(
        `Device ${device} is not available in this installation of ONNX Runtime; here are ${here.join(", ")}.`,
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
        throw device === "cpu" ? error : deviceError(device, error);
      }),
    );
  }

  get inputs(): readonly string[] {
    return this.#session.inputNames;
  }

  get outputs(): readonly string[] {
    return this.#session.outputNames;
  }

  /** Runs the model. Its outputs are copied into new memory (so does the binding, also where it is given tensors to fill). */
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

/** What is missing for a device, from the runtime's own words, as one sentence. */
function deviceError(device: Device, error: Error): unknown {
  const words = error.message.trim().split("\n")[0];
  const isMissing = /adapter|shared library|provider|driver|device/i.test(words);
  if (!isMissing) return error;
  const advice: Partial<Record<Device, string>> = {
    webgpu: "the driver of a graphics card, with Vulkan (on Linux also libvulkan1), Metal or Direct3D 12",
    cuda: "CUDA 12, cuDNN 9 and the CUDA parts of onnxruntime-node (docs/command-line.md says how)",
  };
  const reason = words.split(/was false\. |ExecutionProvider_\w+: /).at(-1);
  return new UserError(
    `Device ${device} cannot be used on this machine (${reason}): install ${advice[device] ?? "its driver"}, or use --device cpu.`,
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
