// Pickles of arrays as JAX's libraries keep a network: dictionaries in dictionaries, of numpy's arrays or of JAX's.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { refusal, temporaryFolder } from "../../../test/checkpoints.ts";
import { openCheckpoint } from "../index.ts";

const path = join(temporaryFolder(), "x.pkl");

const text = (content: string) => `X${String.fromCharCode(content.length, 0, 0, 0)}${content}`;
const bytes = (data: Uint8Array) =>
  `C${String.fromCharCode(data.length)}${Buffer.from(data.buffer).toString("latin1")}`;
const make = "cnumpy.core.multiarray\n_reconstruct\n";
const args = "(cnumpy\nndarray\n(K\x00tC\x01bt";
const type = (code: string) =>
  `(cnumpy\ndtype\n(${text(code)}K\x00K\x01tR(K\x03${text("<")}NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb`;
/** The state of an array of one axis: version, shape, type, order, bytes. */
const state = (...values: number[]) =>
  `(K\x01(K${String.fromCharCode(values.length)}t${type("f4").slice(1)}\x89${bytes(new Uint8Array(Float32Array.from(values).buffer))}t`;
const ofNumpy = (...values: number[]) => `${make}${args}R${state(...values)}b`;
const ofJax = (...values: number[]) => `cjax._src.array\n_reconstruct_array\n(${make}${args}${state(...values)}}tR`;
const integer = "K\x07";

type Tree = string | { readonly [key: string]: Tree };
const pickled = (tree: Tree): string =>
  typeof tree === "string"
    ? tree
    : `}(${Object.entries(tree)
        .map(([key, value]) => text(key) + pickled(value))
        .join("")}u`;
const file = (content: string) => Buffer.from(`\x80\x03${content}.`, "latin1");

async function read(content: string, key?: string) {
  writeFileSync(path, file(content));
  const checkpoint = await openCheckpoint(path, { key });
  const values: Record<string, number[]> = {};
  for (const name of checkpoint.tensors.keys()) values[name] = [...(await checkpoint.read(name)).data].map(Number);
  await checkpoint.close();
  return { values, notes: checkpoint.notes?.map((note) => note.replace(path, "x.pkl")), readOnly: checkpoint.readOnly };
}

const layers = (of: typeof ofNumpy): Tree => ({
  "mlp/~/linear_0": { w: of(1, 2), b: of(3) },
  "mlp/~/linear_1": { w: of(4, 5), b: of(6) },
});
const wanted = {
  "mlp/~/linear_0/w": [1, 2],
  "mlp/~/linear_0/b": [3],
  "mlp/~/linear_1/w": [4, 5],
  "mlp/~/linear_1/b": [6],
};
const together = 'x.pkl: the dictionaries "mlp/~/linear_0", "mlp/~/linear_1" are treated as parts of one network.';

it.each([
  ["numpy's", ofNumpy],
  ["JAX's", ofJax],
])("reads dictionaries in dictionaries of %s arrays, and says so", async (_, of) => {
  const { values, notes, readOnly } = await read(pickled(layers(of)));
  expect(values).toEqual(wanted);
  expect(notes).toEqual([together]);
  expect(readOnly).toContain('In Python, give each array a unique name ("layer/weight"), save them with numpy.savez');
});

it("reads those under params, next to a step and an optimiser's state", async () => {
  const moments = { mu: layers(ofJax), nu: layers(ofJax) };
  const { values, notes } = await read(pickled({ params: layers(ofJax), opt_state: moments, step: integer }));
  expect(values).toEqual(wanted);
  expect(notes).toEqual(['x.pkl: used "params".', together]);
});

it("leaves out a moving average of them, and says so", async () => {
  const { values, notes } = await read(pickled({ params: layers(ofJax), ema_params: layers(ofJax) }));
  expect(values).toEqual(wanted);
  expect(notes![0]).toContain('used "params"; left out "ema_params.mlp/~/linear_0", "ema_params.mlp/~/linear_1"');
});

it("reads all parts of a network, however deep", async () => {
  const deep = {
    encoder: { layer_0: { attention: { query: { kernel: ofNumpy(1, 2) } } }, norm: { scale: ofNumpy(3, 4) } },
  };
  const tree = { params: { ...deep, cls: ofNumpy(5, 6) }, batch_stats: { bn: { mean: ofNumpy(7, 8) } } };
  expect((await read(pickled(tree))).values).toEqual({
    "params/encoder/layer_0/attention/query/kernel": [1, 2],
    "params/encoder/norm/scale": [3, 4],
    "params/cls": [5, 6],
    "batch_stats/bn/mean": [7, 8],
  });
  expect((await read(pickled(tree), "params")).values).toEqual({
    "encoder/layer_0/attention/query/kernel": [1, 2],
    "encoder/norm/scale": [3, 4],
    cls: [5, 6],
  });
});

it("reads frozen dictionaries and tuples", async () => {
  const frozen = `cflax.core.frozen_dict\nFrozenDict\n)\x81${pickled({ _dict: { params: layers(ofJax) } })}b`;
  const flat = `chaiku._src.data_structures\nFlatMapping\n(${pickled(layers(ofJax))}tR`;
  const tuple = `(${pickled(layers(ofNumpy))}}${integer}t`;
  for (const content of [frozen, flat, tuple]) expect((await read(content)).values).toEqual(wanted);
});

it("says what to do with what has no names, or is of an unknown class of JAX's libraries", async () => {
  const advice = "In Python, get the arrays with jax.device_get, name each one, and save them with numpy.savez.";
  expect(await refusal(path, file(`](${ofJax(1, 2)}${ofJax(3)}e`))).toBe(
    `x.pkl is a pickled list of arrays, which have no names. ${advice}`,
  );
  const state = "cflax.training.train_state\nTrainState\n)R";
  expect(await refusal(path, file(pickled({ state })))).toContain(`is expected. ${advice}`);
});

it("names joblib, whose arrays follow within the pickle", async () => {
  const array = "cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81\x0b";
  expect(await refusal(path, file(pickled({ w: array })))).toContain("was written by joblib. In Python, load it");
});

it.each([
  ["dnnlib.tflib.network", "Network", "load it with TensorFlow, get the value of each variable as an array, and save"],
  ["keras.src.models.sequential", "Sequential", "load it with TensorFlow"],
  ["sklearn.linear_model._logistic", "LogisticRegression", "convert the model with skl2onnx, and give the .onnx file."],
  ["chainer.links.loss.classifier", "Classifier", "save the model with chainer.serializers.save_npz."],
  ["mine.models", "Net", "save model.state_dict() with torch.save."],
])("says what to do with an object of %s, also in a tuple or a dictionary", async (module, name, advice) => {
  const object = `c${module}\n${name}\n)\x81`;
  const expected = ", but a state dict (a dictionary of named tensors) is expected. In Python, ";
  const items = `a list or tuple of 2 items, with objects of classes "${module}.${name}"`;
  expect(await refusal(path, file(`(${object}${object}t`))).toContain(`x.pkl contains ${items}${expected}${advice}`);
  for (const content of [object, pickled({ G: object })])
    expect(await refusal(path, file(content))).toContain(expected + advice);
});
