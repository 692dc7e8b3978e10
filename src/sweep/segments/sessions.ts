// Sessions of segment graphs. A graph whose weights are fed is compiled once for all segments of its structure. A graph
// with frozen weights is used for one segment and then disposed of.
import { sha256, type Tensor } from "../../core/index.ts";
import { serialise, type Value } from "../../graph/index.ts";
import type { Model } from "../../models/index.ts";
import { type RuntimeOptions, Session } from "../../runtime/index.ts";

/** Sessions kept at a time: each has its own memory for intermediate values. */
const mostKept = 12;

export class Sessions {
  readonly #kept = new Map<string, Session>();
  readonly #model: Model;
  readonly #runtime: RuntimeOptions | undefined;

  constructor(model: Model, runtime?: RuntimeOptions) {
    this.#model = model;
    this.#runtime = runtime;
  }

  /** The session of a graph that is fed all its inputs. This object disposes of it. */
  async fed(outputs: Readonly<Record<string, Value>>): Promise<Session> {
    const bytes = serialise(outputs, undefined, this.#model.dialect);
    const key = sha256(bytes);
    const session = this.#kept.get(key) ?? (await Session.load(bytes, this.#runtime));
    this.#kept.delete(key);
    this.#kept.set(key, session); // most recently used
    if (this.#kept.size > mostKept) {
      const [[oldest, old]] = this.#kept;
      this.#kept.delete(oldest);
      await old.dispose();
    }
    return session;
  }

  /** A session with frozen weights. The caller disposes of it. */
  frozen(outputs: Readonly<Record<string, Value>>, weights: ReadonlyMap<string, Tensor>): Promise<Session> {
    return Session.load(serialise(outputs, weights, this.#model.dialect), this.#runtime);
  }

  async dispose(): Promise<void> {
    for (const session of this.#kept.values()) await session.dispose();
    this.#kept.clear();
  }
}
