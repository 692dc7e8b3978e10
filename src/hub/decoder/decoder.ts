// A decoder as data: everything that distinguishes one family of language models from another. A family (families/)
// creates it from a config.json; the graph builder (graph.ts) and the list of parameters below use it.
import type { Parameter } from "../../models/index.ts";
import type { Activation } from "../activations.ts";
import type { Rotary } from "./rotary.ts";

export interface Norm {
  readonly kind: "rms" | "layer";
  readonly epsilon: number;
  /** The weight is 1 plus the stored value. */
  readonly isOffset?: boolean;
}

export interface Attention {
  readonly heads: number;
  /** Number of key and value heads; each serves heads / keyValueHeads consecutive queries. */
  readonly keyValueHeads: number;
  readonly headDim: number;
  /** Factor of the scores. */
  readonly scale: number;
  /** Modules of the projections: separate; joined as rows q, k, v; or joined head by head, each with its q, k, v. */
  readonly project:
    | { readonly kind: "separate"; readonly q: string; readonly k: string; readonly v: string }
    | { readonly kind: "rows" | "heads"; readonly name: string };
  readonly out: string;
  readonly hasBias: boolean;
  readonly hasOutBias: boolean;
  /** Norms of queries and keys before the rotation: over each head, or over the whole projection. */
  readonly norms?: { readonly q: string; readonly k: string; readonly over: "head" | "whole" };
  readonly rotary?: Rotary;
  /** Number of keys that a query sees, including its own. */
  readonly window?: number;
  /** Scores become cap * tanh(score / cap). */
  readonly cap?: number;
}

export interface Mlp {
  readonly width: number;
  readonly activation: Activation;
  /** down(act(gate x) * up x), with gate and up separate or joined as rows; or down(act(up x)). */
  readonly project:
    | { readonly kind: "gated"; readonly gate: string; readonly up: string }
    | { readonly kind: "gated rows"; readonly name: string }
    | { readonly kind: "plain"; readonly up: string };
  readonly down: string;
  readonly hasBias: boolean;
}

export interface Block {
  readonly attention: Attention;
  readonly mlp: Mlp;
  /** Norms of the input and the output of each half. */
  readonly before: { readonly attention?: string; readonly mlp?: string };
  readonly after: { readonly attention?: string; readonly mlp?: string };
  /** Both halves read the block's input. */
  readonly isParallel?: boolean;
}

export interface Decoder {
  readonly width: number;
  readonly vocabulary: number;
  /** The longest text. */
  readonly context: number;
  /** The base model's prefix, `model.`. */
  readonly prefix: string;
  readonly embedding: string;
  /** Learned positions. */
  readonly positions?: string;
  /** Factor of the embeddings. */
  readonly embeddingScale?: number;
  /** The name of the list of blocks: `layers`. */
  readonly list: string;
  readonly blocks: readonly Block[];
  readonly norm: Norm;
  readonly finalNorm: string;
  readonly head: string;
  readonly isTied: boolean;
  /** Logits become cap * tanh(logit / cap). */
  readonly logitCap?: number;
  /** Weights are [in, out] (GPT-2's Conv1D), not [out, in]. */
  readonly isTransposed?: boolean;
  /** Modules of a block in state-dict order, if it is not projections, norms of q and k, MLP, norms. */
  readonly order?: readonly string[];
}

export const blockPath = ({ prefix, list }: Decoder, i: number): string => `${prefix}${list}.${i}`;
export const headName = ({ head }: Decoder): string => `${head}.weight`;
export const embeddingName = ({ prefix, embedding }: Decoder): string => `${prefix}${embedding}.weight`;

/** Every parameter, in state-dict order. */
export function decoderParameters(decoder: Decoder): Parameter[] {
  const { prefix, width, vocabulary, context, positions, blocks, norm, finalNorm } = decoder;
  const ofNorm = (name: string, size = width): Parameter[] => [
    { name: `${name}.weight`, shape: [size] },
    ...(norm.kind === "layer" ? [{ name: `${name}.bias`, shape: [size] }] : []),
  ];
  return [
    { name: embeddingName(decoder), shape: [vocabulary, width] },
    ...(positions ? [{ name: `${prefix}${positions}.weight`, shape: [context, width] }] : []),
    ...blocks.flatMap((block, i) =>
      blockParameters(decoder, block, ofNorm).map((p) => ({ ...p, name: `${blockPath(decoder, i)}.${p.name}` })),
    ),
    ...ofNorm(`${prefix}${finalNorm}`),
    { name: headName(decoder), shape: [vocabulary, width] },
  ];
}

function blockParameters(
  { width, isTransposed, order }: Decoder,
  { attention, mlp, before, after }: Block,
  ofNorm: (name: string, size?: number) => Parameter[],
): Parameter[] {
  const matrix = (name: string, out: number, inner: number, hasBias: boolean): Parameter[] => [
    { name: `${name}.weight`, shape: isTransposed ? [inner, out] : [out, inner] },
    ...(hasBias ? [{ name: `${name}.bias`, shape: [out] }] : []),
  ];
  const { heads, keyValueHeads, headDim, project, hasBias, norms } = attention;
  const [queries, keys] = [heads * headDim, keyValueHeads * headDim];
  const projections =
    project.kind === "separate"
      ? [
          ...matrix(project.q, queries, width, hasBias),
          ...matrix(project.k, keys, width, hasBias),
          ...matrix(project.v, keys, width, hasBias),
        ]
      : matrix(project.name, queries + 2 * keys, width, hasBias);
  const inner = mlp.project;
  const up =
    inner.kind === "gated"
      ? [inner.gate, inner.up].flatMap((name) => matrix(name, mlp.width, width, mlp.hasBias))
      : inner.kind === "plain"
        ? matrix(inner.up, mlp.width, width, mlp.hasBias)
        : matrix(inner.name, 2 * mlp.width, width, mlp.hasBias);
  const all = [
    ...projections,
    ...matrix(attention.out, width, queries, attention.hasOutBias),
    ...(norms
      ? [
          ...ofNorm(norms.q, norms.over === "head" ? headDim : queries),
          ...ofNorm(norms.k, norms.over === "head" ? headDim : keys),
        ]
      : []),
    ...up,
    ...matrix(mlp.down, width, mlp.width, mlp.hasBias),
    ...[before.attention, after.attention, before.mlp, after.mlp].flatMap((name) => (name ? ofNorm(name) : [])),
  ];
  if (!order) return all;
  const place = (name: string) => order.indexOf(name.replace(/\.[^.]*$/, ""));
  return all.sort((x, y) => place(x.name) - place(y.name));
}
