/**
 * The description of the HTTP interface (https://spec.openapis.org/oas/v3.1.1), made of the schemas that requests are
 * checked with.
 *
 * Not with hono-openapi: it describes routes in middleware between them and their handlers, brings its own validator with
 * answers of its own, and knows of a parameter that becomes a number only that it is text.
 */

import { toJsonSchema, toJsonSchemaDefs } from "@valibot/to-json-schema";
import type { ConversionConfig, JsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";
import { DEFINITIONS } from "./answers.ts";
import { eventNames } from "./event-schemas.ts";
import { OPERATIONS } from "./operations.ts";
import type { Answer, Content, Operation, Schema } from "./operations.ts";

/** As JSON. */
export interface OpenApiDocument {
  openapi: "3.1.1";
  info: { title: string; version: string; description: string };
  tags: { name: string; description: string }[];
  security: Record<string, string[]>[];
  paths: Record<string, Record<string, object>>;
  components: { schemas: Record<string, JsonSchema>; securitySchemes: Record<string, object> };
}

const REFERENCES = "#/components/schemas/";
const DESCRIPTION =
  'Errors are answered with {"error":"…"} and a fitting status; a method that a route does not have with 405. ' +
  "A server that was started with a token wants it as a bearer; streams also take it as a parameter, because an " +
  "EventSource cannot send headers.";
/** What the server may be started without. */
const NO_TOKEN = {};

const CONVERSION: ConversionConfig = {
  target: "draft-2020-12",
  // What a parameter is after it was read: a number, say. What it becomes when it is left out is no demand.
  typeMode: "output",
  // These say in words, in the description, what they want.
  ignoreActions: ["check"],
};

/** @param version the program's. */
export function openApiDocument(version: string): OpenApiDocument {
  return {
    openapi: "3.1.1",
    info: { title: "sessionwatch", version, description: DESCRIPTION },
    tags: [
      { name: "streams", description: "Tell of changes as they happen." },
      { name: "sessions", description: "Read what is in the archive, and bring it up to date." },
      { name: "operations", description: "For those who run the server." },
    ],
    security: [NO_TOKEN, { bearer: [] }],
    paths: paths(),
    components: {
      schemas: toJsonSchemaDefs(DEFINITIONS, {
        ...CONVERSION,
        overrideRef: ({ referenceId }) => REFERENCES + referenceId,
      }),
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer" },
        token: { type: "apiKey", in: "query", name: "token" },
      },
    },
  };
}

function paths(): OpenApiDocument["paths"] {
  const paths: OpenApiDocument["paths"] = {};
  for (const [route, operation] of Object.entries(OPERATIONS)) {
    const [method = "", path = ""] = route.split(" ");
    paths[path] = { ...paths[path], [method.toLowerCase()]: described(path, operation) };
  }
  return paths;
}

function described(path: string, operation: Operation): object {
  const { id, tag, summary, description, isOpen = false, query, headers, body, answers } = operation;
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(tag === "streams" ? { security: [NO_TOKEN, { bearer: [] }, { token: [] }] } : {}),
    ...(isOpen ? { security: [] } : {}),
    parameters: [...inPath, ...parameters("query", query), ...parameters("header", headers)],
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { "application/json": { schema: schemaOf(body) } } } }),
    responses: Object.fromEntries(
      Object.entries(answers).map(([status, answer]) => [status, responseOf(answer)]),
    ),
  };
}

function parameters(place: "query" | "header", given: Schema | undefined): object[] {
  return Object.entries(given?.entries ?? {}).map(([name, entry]) => {
    const { description, ...schema } = schemaOf(entry);
    const required = entry.type !== "optional";
    return { name, in: place, required, ...(description === undefined ? {} : { description }), schema };
  });
}

function responseOf({ description, content = {}, headers = {} }: Answer): object {
  return {
    description,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, text]) => [
        name,
        { description: text, schema: { type: "string" } },
      ]),
    ),
    content: Object.fromEntries(
      Object.entries(content).map(([type, schema]) => [type, { schema: contentSchema(schema) }]),
    ),
  };
}

function contentSchema(content: Content): object {
  if (typeof content === "string") return { $ref: REFERENCES + content };
  if ("text" in content) return { type: "string", description: content.text };
  const { frames, data } = content;
  return {
    type: "object",
    properties: {
      id: { type: "string", description: "Where the client stands after it: its next Last-Event-ID." },
      event: { type: "string", enum: eventNames(frames) },
      data: { type: "string", description: data },
    },
    required: ["event", "data"],
  };
}

function schemaOf(schema: v.GenericSchema): JsonSchema {
  const { $schema: _, ...rest } = toJsonSchema(schema, CONVERSION);
  return rest;
}
