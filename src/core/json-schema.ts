// JSON Schemas of the documents that other programs read. A field's text in the schema is its documentation: the pages
// under docs/reference and the files in schemas/ are generated from it (scripts/docs.mjs).
import { z } from "zod";

/** A JSON Schema (draft 2020-12) as plain data. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * The JSON Schema of a document as it is written to a file. Objects stay open, because a later version may add fields;
 * only keys that a reader rejects are forbidden.
 */
export function jsonSchemaOf(schema: z.ZodType, title: string): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: "input", override: ({ jsonSchema }) => tidy(jsonSchema) });
  return { $schema, title, ...rest };
}

/** Removes what says nothing about a document: that a type is readonly, and that whole numbers are safe. */
function tidy(schema: z.core.JSONSchema.BaseSchema): void {
  delete schema.readOnly;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
}
