// The documents in a text file. There are three kinds.
import { UserError } from "../../core/index.ts";

export interface Message {
  readonly role: string;
  readonly content: unknown;
  readonly [key: string]: unknown;
}

export type Document =
  | { readonly text: string }
  | { readonly prompt: string; readonly completion: string }
  | { readonly messages: readonly Message[] };

/**
 * Reads a document from the fields of a row; `where` names the row in messages. Throws {@link UserError} for an unknown
 * kind.
 */
export function documentOf(row: Readonly<Record<string, unknown>>, where: string): Document {
  const { text, prompt, completion, messages } = row;
  if (Array.isArray(messages)) {
    const isMessage = (one: unknown) => typeof (one as Message | null)?.role === "string";
    if (messages.length === 0 || !messages.every(isMessage))
      throw new UserError(`${where} has messages without a role. Give each message a role and content.`);
    return { messages };
  }
  if (typeof prompt === "string" && typeof completion === "string") return { prompt, completion };
  if (typeof text === "string") return { text };
  const keys = Object.keys(row);
  throw new UserError(
    `${where} has ${keys.length ? `the fields ${keys.slice(0, 8).join(", ")}` : "no fields"}, but needs text, prompt with completion, or messages. Rename the fields.`,
  );
}
