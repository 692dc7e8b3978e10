// A thread that does sums, so that the main one can read on: gets pairs of tensors, answers with their sums, in order.
import { parentPort } from "node:worker_threads";
import type { Tensor } from "../core/index.ts";
import { sumsOf } from "./sums.ts";

parentPort!.on("message", ([a, b]: [Tensor, Tensor]) => parentPort!.postMessage(sumsOf(a, b)));
