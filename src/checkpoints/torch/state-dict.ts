// Finding the state dict in what people save: the dictionary itself, or one that wraps it with an epoch, an optimiser's
// state and the like. Only entries that are tensors count; the rest is passed over. Where tensors lie in several places
// and no key names the network, nothing is guessed: an encoder beside a decoder looks as a mean beside a network does.
import { listSome, sizeOf, UserError } from "../../core/index.ts";
import { quote } from "../source.ts";
import { isTorchTensor, type TorchTensor } from "./values.ts";

/** Keys under which training programs keep the weights, the surest first. */
const wrappers = ["state_dict", "model_state_dict", "model_state", "model", "net", "network", "module"];
/** Keys of dictionaries that are kept beside the network: a moving average, an optimiser's state, what PyTorch's modules add. */
const beside = /(^|[^a-z])(ema|optim\w*)([^a-z]|$)|_extra_state$/i;
const deepest = 3;

type Dictionary = ReadonlyMap<unknown, unknown>;

/** The tensors by name, in their order. Throws {@link UserError} that says what was found when there is no one state dict. */
export function findStateDict(path: string, value: unknown): Map<string, TorchTensor> {
  const found = findNetwork(path, value);
  if (!found) {
    const fault = `${path} holds ${describe(value)}, where a state dict (a dictionary of tensors by name) is expected`;
    throw new UserError(`${fault}. In Python, save model.state_dict() with torch.save.`);
  }
  return new Map([...found].filter((entry): entry is [string, TorchTensor] => isTensorEntry(entry)));
}

/** The dictionary that holds the network. Throws {@link UserError} where several may. Each is walked once: a file's dictionaries may hold themselves. */
function findNetwork(path: string, whole: unknown): Dictionary | undefined {
  const unwrapped = new Set<Dictionary>();
  const largest = new Map<Dictionary, number>();
  return unwrap(whole, 0);

  function unwrap(value: unknown, depth: number): Dictionary | undefined {
    if (!(value instanceof Map) || depth > deepest || unwrapped.has(value)) return undefined;
    unwrapped.add(value);
    for (const key of wrappers) {
      const inner = unwrap(value.get(key), depth + 1);
      if (inner) return inner;
    }
    for (const least of [2, 1]) {
      // single numbers, such as the best accuracy, count only where there is nothing larger
      const holders = named(value).filter(([, inner]) => largestIn(inner, depth + 1) >= least);
      if (holders.length === 0) continue;
      if (holders.every(([, inner]) => isTorchTensor(inner))) return value;
      if (new Set(holders.map(([, inner]) => inner)).size === 1) return unwrap(holders[0][1], depth + 1);
      throw manyPlaces(
        path,
        holders.map(([key]) => key),
      );
    }
    return undefined;
  }

  /** Elements of the largest tensor that a value is, or holds; 0 without any. */
  function largestIn(value: unknown, depth: number): number {
    if (isTorchTensor(value)) return Math.max(1, sizeOf(value.shape));
    if (!(value instanceof Map) || depth > deepest) return 0;
    if (!largest.has(value)) {
      largest.set(value, 0); // while it is walked
      const sizes = named(value).map(([, inner]) => largestIn(inner, depth + 1));
      largest.set(
        value,
        sizes.reduce((x, y) => Math.max(x, y), 0),
      );
    }
    return largest.get(value)!;
  }
}

/** What may be the network, or hold it. */
const named = (value: Dictionary): [string, unknown][] =>
  [...value].filter(
    (entry): entry is [string, unknown] =>
      typeof entry[0] === "string" && !(entry[1] instanceof Map && beside.test(entry[0])),
  );

function isTensorEntry([key, value]: [unknown, unknown]): boolean {
  return typeof key === "string" && isTorchTensor(value);
}

function manyPlaces(path: string, keys: readonly string[]): UserError {
  const places = listSome(keys.map(quote), 3);
  return new UserError(
    `${path} holds tensors in several places (${places}), and nothing tells which of them are the network. In Python, save model.state_dict() alone with torch.save.`,
  );
}

function describe(value: unknown): string {
  if (value instanceof Map) {
    if (value.size === 0) return "an empty dictionary";
    const keys = [...value.keys()].map((key) => (typeof key === "string" ? quote(key) : `a ${typeof key}`));
    return `a dictionary with the keys ${listSome(keys)}`;
  }
  if (Array.isArray(value)) return `a list of ${value.length} items`;
  if (isTorchTensor(value)) return `a single tensor of shape [${value.shape.join(", ")}]`;
  return value === null ? "None" : `a single value (${typeof value})`;
}
