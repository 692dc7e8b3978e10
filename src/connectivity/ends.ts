// The two ends of a measurement: both checkpoints read and held against the network before anything is computed.
import { type Checkpoint, openCheckpoint, readAll } from "../checkpoints/index.ts";
import { isFloating, listSome, sha256File, type Tensor, toNumbers, UserError } from "../core/index.ts";
import { buildModel, type Model } from "../models/index.ts";

export interface End {
  readonly path: string;
  readonly sha256: string;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

export interface ModelSpec {
  readonly name: string;
  /** Sizes given by the user; the others are read from the checkpoint. */
  readonly sizes?: Partial<Record<string, number>>;
}

/** Reads both ends. Throws {@link UserError} when keys or shapes differ between them or from the model, or a weight is NaN or infinite. */
export async function readEnds(
  paths: readonly [string, string],
  spec: ModelSpec,
  { allowNonfinite = false } = {},
): Promise<{ model: Model; a: End; b: End }> {
  const files = await Promise.all(paths.map((path) => openCheckpoint(path)));
  try {
    const [a, b] = files;
    compareKeys(a, b);
    const model = buildModel(spec.name, spec.sizes, (name) => a.tensors.get(name)?.shape);
    compareWithModel(a, model);
    const ends = await Promise.all(
      files.map(async (file) => ({
        path: file.path,
        sha256: await sha256File(file.path),
        tensors: await readAll(file),
      })),
    );
    for (const { path, tensors } of allowNonfinite ? [] : ends) requireFinite(path, tensors);
    return { model, a: ends[0], b: ends[1] };
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}

const describe = ({ path }: Checkpoint, names: string[]) =>
  names.length ? ` Only in ${path}: ${listSome(names)}.` : "";

function compareKeys(a: Checkpoint, b: Checkpoint): void {
  const onlyA = [...a.tensors.keys()].filter((name) => !b.tensors.has(name));
  const onlyB = [...b.tensors.keys()].filter((name) => !a.tensors.has(name));
  if (onlyA.length || onlyB.length) {
    throw new UserError(
      `The two checkpoints are of different networks.${describe(a, onlyA)}${describe(b, onlyB)} Give two checkpoints of one architecture.`,
    );
  }
  const unlike = [...a.tensors.values()].filter(
    ({ name, shape }) => String(shape) !== String(b.tensors.get(name)!.shape),
  );
  if (unlike.length) {
    const some = unlike.map(({ name, shape }) => `${name} is [${shape}] and [${b.tensors.get(name)!.shape}]`);
    throw new UserError(
      `The shapes in ${a.path} and ${b.path} differ: ${listSome(some, 3)}. Give two checkpoints of one architecture.`,
    );
  }
}

function compareWithModel({ path, tensors }: Checkpoint, model: Model): void {
  const wanted = new Map(model.parameters.map((p) => [p.name, p]));
  const missing = [...wanted.values()].filter((p) => p.kind !== "counter" && !tensors.has(p.name)).map((p) => p.name);
  const extra = [...tensors.keys()].filter((name) => !wanted.has(name));
  if (missing.length || extra.length) {
    const parts = [
      missing.length ? `the file lacks ${listSome(missing)}` : "",
      extra.length ? `the model does not know ${listSome(extra)}` : "",
    ];
    throw new UserError(
      `${path} does not fit model ${model.name}: ${parts.filter(Boolean).join("; ")}. Choose another --model.`,
    );
  }
  const unlike = [...wanted.values()].filter(
    (p) => tensors.has(p.name) && String(tensors.get(p.name)!.shape) !== String(p.shape),
  );
  if (unlike.length) {
    const some = unlike.map((p) => `${p.name} is [${tensors.get(p.name)!.shape}], the model has [${p.shape}]`);
    throw new UserError(
      `${path} does not fit model ${model.name}: ${listSome(some, 3)}. Give other sizes, or another --model.`,
    );
  }
}

function requireFinite(path: string, tensors: ReadonlyMap<string, Tensor>): void {
  const broken = [...tensors]
    .filter(([, t]) => isFloating(t.dtype) && !toNumbers(t).every(Number.isFinite))
    .map(([name]) => name);
  if (broken.length) {
    throw new UserError(
      `${path} holds NaN or infinite weights in ${listSome(broken)}. Choose an earlier checkpoint, or go on with --allow-nonfinite.`,
    );
  }
}
