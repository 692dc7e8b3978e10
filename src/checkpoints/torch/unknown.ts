// A placeholder for an object of an unknown class. Nothing of the class is executed; only its name is kept, and the
// items of a dict subclass. A file is refused because of such an object only if the state dict needs it.
import { UserError } from "../../core/index.ts";
import { quote } from "../source.ts";
import { adviceForEightBits, findScale } from "../unusable.ts";

export class Unknown extends Map<unknown, unknown> {
  readonly name: string;
  /** Whether its state has the parts of a torch.nn.Module. */
  isModule = false;

  constructor(name: string) {
    super();
    this.name = name;
  }
}

interface Reason {
  readonly is: RegExp;
  /** Continues "FILE stores NAME as ". */
  readonly what: string;
  readonly advice: (path: string, scale?: string) => string;
}

/** Unsupported tensors, by the class or function that makes them, and what to do. */
const reasons: readonly Reason[] = [
  {
    is: /^torch\.storage\._load_from_bytes$/,
    what: "a tensor written by pickle.dump",
    advice: (path) => `In Python, run torch.save(pickle.load(open(${quote(path)}, "rb")), "weights.pt").`,
  },
  {
    is: /_rebuild_(q|sparse)|^torch\.(Q[A-Z]\w*Storage|q(u?int|per)\w*|float[48]_\w+|complex32|ComplexHalfStorage)|_packed_params/,
    what: "a quantised, sparse or eight-bit float tensor",
    advice: (_, scale) => adviceForEightBits(scale, "dense float32"),
  },
  {
    is: /_rebuild_meta_tensor/,
    what: "a tensor on the meta device, which has no elements",
    advice: () => "Load the weights first, then save model.state_dict() with torch.save.",
  },
  {
    is: /\.Uninitialized(Parameter|Buffer)$/,
    what: "a parameter without a shape, from a lazy module that has not run yet",
    advice: () =>
      "In Python, run the model once on a batch, or load its trained weights, then save model.state_dict() with torch.save.",
  },
  {
    is: /^torch\.distributed|ShardedTensor|DTensor/,
    what: "a shard of a distributed tensor",
    advice: () =>
      "In Python, gather the state dict (FSDP: StateDictType.FULL_STATE_DICT), then save it with torch.save.",
  },
  {
    is: /^resolve_(conj|neg)$/,
    what: "a conjugated or negated view",
    advice: () => "In Python, save tensor.resolve_conj().resolve_neg().",
  },
  {
    is: /^torch\.(_utils|_tensor|storage)\.|^torch\.\w+Storage$/,
    what: "a kind of tensor that layerwise does not read",
    advice: () => "In Python, save only dense tensors with torch.save.",
  },
];

/** Whether an unknown object is a tensor, judged by its name. */
export const isUnreadTensor = (value: unknown): value is Unknown =>
  value instanceof Unknown && reasons.some(({ is }) => is.test(value.name));

/**
 * The error for an entry of a state dict that is an unknown object instead of a tensor. `has` tests whether the state
 * dict contains a name.
 */
export function unreadEntry(path: string, key: string, { name }: Unknown, has: (name: string) => boolean): UserError {
  const reason = reasons.find(({ is }) => is.test(name));
  if (reason)
    return new UserError(
      `${path} stores ${quote(key)} as ${reason.what} (${quote(name)}). ${reason.advice(path, findScale(key, has))}`,
    );
  return new UserError(
    `${path} stores ${quote(key)} as an object of class ${quote(name)}, not as a tensor; nothing was executed. In Python, save only model.state_dict() with torch.save.`,
  );
}

/** The error for a file that contains a whole module instead of a state dict. */
export function wholeModule(path: string, { name }: Unknown, key?: string): UserError {
  const where = key === undefined ? "" : ` under ${quote(key)}`;
  return new UserError(
    `${path} contains a whole module${where} (class ${quote(name)}), but a state dict is expected; nothing was executed. In Python, load it where its class is defined, then save its state_dict() with torch.save.`,
  );
}
