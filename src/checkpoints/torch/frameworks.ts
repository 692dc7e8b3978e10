// What to do with a pickle without a state dict, by the framework of its objects.
import { Unknown } from "./unknown.ts";

/** Continues "In Python, ". */
export const saveArrays = "get the arrays with jax.device_get, name each one, and save them with numpy.savez";
const saveStateDict = "save model.state_dict() with torch.save";

/** The start of a class's name, and what to do in Python. */
const frameworks: readonly (readonly [RegExp, string])[] = [
  [/^(jax|jaxlib|flax|haiku|optax|equinox|chex)\./, saveArrays],
  [
    /^(tensorflow|tf_keras|keras|dnnlib\.tflib|tensorlayer|tflearn|sonnet)\./,
    "load it with TensorFlow, get the value of each variable as an array, and save the arrays by name with numpy.savez",
  ],
  [/^paddle\./, "save layer.state_dict() with paddle.save"],
  [/^(mxnet|gluon\w*)\./, "get each parameter with asnumpy(), and save the arrays by name with numpy.savez"],
  [/^cupy\b/, "convert each array with cupy.asnumpy, and save the arrays by name with numpy.savez"],
  [/^chainer\b/, "save the model with chainer.serializers.save_npz"],
  [/^(theano|lasagne)\./, "get the value of each shared variable, and save the arrays by name with numpy.savez"],
  [/^sklearn\./, "convert the model with skl2onnx, and give the .onnx file"],
  [/^(xgboost|lightgbm|catboost)\./, "convert the model with onnxmltools, and give the .onnx file"],
];

/** Continues "In Python, "; `objects` are the file's, or those in its outermost list or dictionary. */
export function adviceFor(objects: readonly unknown[]): string {
  const classes = objects.flatMap((one) => (one instanceof Unknown ? [one.name] : []));
  return frameworks.find(([start]) => classes.some((name) => start.test(name)))?.[1] ?? saveStateDict;
}
