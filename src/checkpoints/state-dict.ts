// Finding the state dict in what people save: the dictionary itself, or one that wraps it with an epoch, an optimiser's
// state and the like. Only entries that are tensors count; the rest is passed over.
import { listSome, UserError } from "../core/index.ts";
import { quote } from "./source.ts";
import { isTorchTensor, type TorchTensor } from "./torch-values.ts";

/** Keys under which training programs keep the weights, the surest first. */
const wrappers = ["state_dict", "model_state_dict", "model_state", "model", "net", "network", "module"];
const deepest = 3;

/** The tensors by name, in their order. Throws {@link UserError} that says what was found when there is no one state dict. */
export function findStateDict(path: string, value: unknown): Map<string, TorchTensor> {
  const found = unwrap(value, 0);
  if (!found) {
    const fault = `${path} holds ${describe(value)}, where a state dict (a dictionary of tensors by name) is expected`;
    throw new UserError(`${fault}. In Python, save model.state_dict() with torch.save.`);
  }
  return new Map([...found].filter((entry): entry is [string, TorchTensor] => isTensorEntry(entry)));
}

function unwrap(value: unknown, depth: number): Map<unknown, unknown> | undefined {
  if (!(value instanceof Map) || depth > deepest) return undefined;
  for (const key of wrappers) {
    const inner = unwrap(value.get(key), depth + 1);
    if (inner) return inner;
  }
  if (holdsTensors(value)) return value;
  const dictionaries = new Set([...value].filter(([key]) => !isAverage(key)).map(([, inner]) => inner));
  const holders = [...dictionaries].filter(holdsTensors);
  return holders.length === 1 ? (holders[0] as Map<unknown, unknown>) : undefined;
}

function holdsTensors(value: unknown): boolean {
  return value instanceof Map && [...value].some(isTensorEntry);
}

function isTensorEntry([key, value]: [unknown, unknown]): boolean {
  return typeof key === "string" && isTorchTensor(value);
}

/** A moving average of the weights is kept beside them; it is never what stands for the network unless it is named. */
function isAverage(key: unknown): boolean {
  return typeof key === "string" && key.toLowerCase().includes("ema");
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
