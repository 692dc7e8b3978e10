// Decodes images synchronously: batches of a data set are synchronous, but libraries decode asynchronously. So a thread
// decodes, and this one blocks until the answer arrives. The next few images are requested before the last few are
// used, so both threads work at the same time.
import { once } from "node:events";
import { MessageChannel, type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { startThread, UserError } from "../../../core/index.ts";
import type { Picture } from "../pixels/picture.ts";
import type { Answer, Encoded, Outcome, Start } from "./orders.ts";

export interface Decoder {
  /** Yields the images in order. Throws {@link UserError} for one that cannot be read; `nameOf` names it. */
  read(images: readonly Encoded[], nameOf: (at: number) => string): Iterable<Picture>;
  /** SHA-256 of the encoded bytes of every image. */
  hash(images: readonly Encoded[], nameOf: (at: number) => string): string[];
}

let opened: Promise<Decoder> | undefined;

/** The decoder of this process. Throws {@link UserError} if sharp is not installed. */
export function openDecoder(): Promise<Decoder> {
  opened ??= start();
  opened.catch(() => {
    opened = undefined;
  });
  return opened;
}

/** Number of images decoded at the same time: sharp has four threads, and more would need more memory. */
const atATime = 4;
const hashesAtATime = 64;

async function start(): Promise<Decoder> {
  // also loaded here, so that its libraries stay in memory until all threads end
  await import("sharp").catch((error) => {
    throw new UserError(
      "The package sharp, which decodes images, is not installed for this system. Install it with npm install sharp.",
      { cause: error },
    );
  });
  const thread = startThread("decode.thread", import.meta.url);
  const { port1: own, port2: port } = new MessageChannel();
  const answers = new Int32Array(new SharedArrayBuffer(4));
  thread.postMessage({ port, answers } satisfies Start, [port]);
  await once(thread, "message"); // rejects if the thread fails
  thread.unref();
  let last = 0;
  const ask = (images: readonly Encoded[], areHashes: boolean): (() => readonly Outcome[]) => {
    const id = ++last;
    own.postMessage({ id, images, areHashes });
    return () => awaitAnswer(own, answers, id);
  };
  return {
    *read(images, nameOf) {
      const parts = partsOf(images, atATime);
      let next = parts[0] && ask(parts[0], false);
      for (let k = 0; k < parts.length; k++) {
        const outcomes = next!();
        next = parts[k + 1] && ask(parts[k + 1], false);
        for (const [i, outcome] of outcomes.entries()) {
          if (!("picture" in outcome)) throw unreadable(nameOf(k * atATime + i), outcome);
          yield outcome.picture;
        }
      }
    },
    hash: (images, nameOf) =>
      partsOf(images, hashesAtATime).flatMap((part, k) =>
        ask(part, true)().map((outcome, i) => {
          if ("hash" in outcome) return outcome.hash;
          throw unreadable(nameOf(k * hashesAtATime + i), outcome);
        }),
      ),
  };
}

const partsOf = <T>(list: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, k) => list.slice(k * size, (k + 1) * size));

/** Blocks until the answer arrives. Answers to abandoned requests are dropped. */
function awaitAnswer(port: MessagePort, answers: Int32Array, id: number): readonly Outcome[] {
  for (;;) {
    const seen = Atomics.load(answers, 0);
    const received = receiveMessageOnPort(port) as { message: Answer } | undefined;
    if (!received) Atomics.wait(answers, 0, seen);
    else if (received.message.id === id) return received.message.outcomes;
  }
}

function unreadable(name: string, outcome: Outcome): UserError {
  const reason = "fault" in outcome ? outcome.fault.split("\n")[0].trim() : "no picture";
  return new UserError(
    `${name} cannot be read as an image: ${reason.replace(/\.$/, "")}. Copy it again, convert it to PNG, or remove it.`,
  );
}
