// What stands for an object of a class that is not known here. Nothing of the class is ever executed; only its name is kept, and the items of a
// dictionary's subclass. A file is refused for such an object only where the state dict itself needs it.
import { UserError } from "../../core/index.ts";
import { quote } from "../source.ts";

export class Unknown extends Map<unknown, unknown> {
  readonly name: string;
  /** Its state has the parts of a torch.nn.Module. */
  isModule = false;

  constructor(name: string) {
    super();
    this.name = name;
  }
}

interface Reason {
  readonly is: RegExp;
  /** Continues "FILE holds NAME as ". */
  readonly what: string;
  readonly advice: (path: string) => string;
}

/** Tensors that are not read, by the class or function that would make them, and what to do. */
const reasons: readonly Reason[] = [
  {
    is: /^torch\.storage\._load_from_bytes$/,
    what: "a tensor that pickle.dump wrote",
    advice: (path) => `In Python, torch.save(pickle.load(open(${quote(path)}, "rb")), "weights.pt").`,
  },
  {
    is: /_rebuild_(q|sparse)|^torch\.(Q[A-Z]\w*Storage|q(u?int|per)\w*|float[48]_\w+|complex32|ComplexHalfStorage)|_packed_params/,
    what: "a quantised, sparse or eight-bit floating tensor",
    advice: () => "Convert it to dense float32 first.",
  },
  {
    is: /_rebuild_meta_tensor/,
    what: "a tensor on the meta device, which has no elements",
    advice: () => "The weights are elsewhere: load them first, then save model.state_dict() with torch.save.",
  },
  {
    is: /^torch\.distributed|ShardedTensor|DTensor/,
    what: "a part of a tensor that is spread over several processes",
    advice: () =>
      "In Python, gather the state dict (FSDP: StateDictType.FULL_STATE_DICT), and save it with torch.save.",
  },
  {
    is: /^resolve_(conj|neg)$/,
    what: "a conjugated or negated view",
    advice: () => "In Python, save tensor.resolve_conj().resolve_neg().",
  },
  {
    is: /^torch\.(_utils|_tensor|storage)\.|^torch\.\w+Storage$/,
    what: "a tensor of a kind that layerwise does not read",
    advice: () => "In Python, save dense tensors alone with torch.save.",
  },
];

/** Whether an unknown object would be a tensor, as far as its name says. */
export const isUnreadTensor = (value: unknown): value is Unknown =>
  value instanceof Unknown && reasons.some(({ is }) => is.test(value.name));

/** The error for an entry of a state dict that is an unknown object where a tensor is expected. */
export function unreadEntry(path: string, key: string, { name }: Unknown): UserError {
  const reason = reasons.find(({ is }) => is.test(name));
  if (reason)
    return new UserError(`${path} holds ${quote(key)} as ${reason.what} (${quote(name)}). ${reason.advice(path)}`);
  return new UserError(
    `${path} holds ${quote(key)} as an object of the class ${quote(name)}, not as a tensor; nothing was executed. In Python, save model.state_dict() alone with torch.save.`,
  );
}

/** The error for a file that holds a whole module in place of its state dict. */
export function wholeModule(path: string, { name }: Unknown, key?: string): UserError {
  const where = key === undefined ? "" : ` under ${quote(key)}`;
  return new UserError(
    `${path} holds a whole module${where} (class ${quote(name)}), where a state dict is expected; nothing was executed. In Python, load it where its class is defined and save its state_dict() with torch.save.`,
  );
}
