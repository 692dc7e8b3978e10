import type { Node, Value } from "../graph.ts";

/** For an operation's name: from the lowered inputs and the original node to the outputs in the target graph, or undefined to leave it as it is. */
export type Lowering = Readonly<Record<string, (inputs: readonly Value[], node: Node) => readonly Value[] | undefined>>;
