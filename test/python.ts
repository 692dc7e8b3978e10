// The Python that tests and benchmarks compare with: the one that LAYERWISE_PYTHON names, or the first on this machine
// that has all the modules they import. Each test names its modules, since an interpreter may have PyTorch without
// torchvision.
import { type SpawnSyncOptions, spawnSync } from "node:child_process";

export interface Found {
  /** The interpreter; undefined where none has all the modules. */
  readonly python?: string;
  /** Ends the name of a test: what it runs in, or why it is skipped. */
  readonly note: string;
}

const ask = `import importlib.util, sys
print(" ".join(m for m in sys.argv[1:] if importlib.util.find_spec(m) is None))`;

/** The modules that an interpreter lacks; undefined when it cannot be started. */
function missing(python: string, modules: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(python, ["-c", ask, ...modules], { encoding: "utf8" });
  return status === 0 ? stdout.trim().replaceAll(" ", ", ") : undefined;
}

/** Finds an interpreter with all `modules`. */
export function findPython(...modules: string[]): Found {
  const named = process.env.LAYERWISE_PYTHON;
  if (named) {
    const lacks = missing(named, modules);
    if (lacks === "") return { python: named, note: "" };
    const why = lacks === undefined ? "cannot be started" : `lacks ${lacks}`;
    return { note: ` (skipped: LAYERWISE_PYTHON is ${named}, which ${why})` };
  }
  const python = ["python3", "/usr/bin/python3", "python"].find((command) => missing(command, modules) === "");
  const note = ` (skipped: no Python with ${modules.join(", ")} was found; LAYERWISE_PYTHON may name one)`;
  return python ? { python, note: "" } : { note };
}

/** What a script prints. Throws with what the interpreter said when it fails. */
export function runPython(python: string, args: readonly string[], options: SpawnSyncOptions = {}): string {
  const { status, signal, error, stdout, stderr } = spawnSync(python, args, {
    maxBuffer: 1 << 28,
    ...options,
    encoding: "utf8",
  });
  if (status === 0) return stdout;
  throw new Error(`${python} ${args.join(" ")} ended with ${status ?? signal ?? error?.message}:\n${stderr}${stdout}`);
}

/** The interpreter and its PyTorch, for people: `python3 (3.11.2), PyTorch 1.13.1`. */
export const describePython = (python: string): string =>
  `${python}, ${runPython(python, ["-c", "import platform, torch; print(f'Python {platform.python_version()}, PyTorch {torch.__version__}')"]).trim()}`;
