/**
 * The OpenAPI document (https://spec.openapis.org/oas/v3.1.1), made from the routes and the schemas that check requests.
 *
 * hono-openapi 1.3 is not used: it splits a route from its description, its validator needs a hook in every route for our
 * error texts, and it adds five packages to do what `@valibot/to-json-schema` and the functions below do.
 */

import { toJsonSchema, toJsonSchemaDefs } from "@valibot/to-json-schema";
import type { ConversionConfig, JsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";
import type { RequestSchema } from "../request/checked.ts";
import { DEFINITIONS } from "./answers.ts";
import { commonAnswers } from "./common-answers.ts";
import { eventNames } from "./event-schemas.ts";
import type { Answer, Content, Operation, Policy } from "./operation.ts";

/** As JSON. */
export interface OpenApiDocument {
  openapi: "3.1.1";
  info: {
    title: string;
    version: string;
    description: string;
    license: { name: string; identifier: string };
  };
  servers: { url: string; description: string }[];
  tags: { name: string; description: string }[];
  security: Record<string, string[]>[];
  paths: Record<string, Record<string, object>>;
  components: { schemas: Record<string, JsonSchema>; securitySchemes: Record<string, object> };
}

const REFERENCES = "#/components/schemas/";
const DESCRIPTION =
  'Errors are answered with {"error":"…"} and a fitting status; a method that a path does not have with 405. A server that ' +
  "was started with a token requires it as a bearer token; streams also accept it as a parameter, because an EventSource " +
  "cannot send headers.";
/** A server may be started without a token. */
const NO_TOKEN = {};

const CONVERSION: ConversionConfig = {
  target: "draft-2020-12",
  // The type of a parameter after it was read, such as a number.
  typeMode: "output",
  // The description of the operation says what these check.
  ignoreActions: ["check"],
  // Later versions may add members, and generated clients must keep them.
  overrideSchema: ({ jsonSchema }) =>
    jsonSchema.type === "object" ? { ...jsonSchema, additionalProperties: true } : undefined,
};

/** @param version the program's. */
export function openApiDocument(version: string, operations: readonly Operation[]): OpenApiDocument {
  return {
    openapi: "3.1.1",
    info: {
      title: "sessionwatch",
      version,
      description: DESCRIPTION,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/", description: "The server that this document comes from." }],
    tags: [
      { name: "streams", description: "Send changes as they happen." },
      { name: "sessions", description: "Read the archive, and bring it up to date." },
      { name: "operations", description: "Monitor the server." },
    ],
    security: SECURITY.guarded,
    paths: pathsOf(operations),
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

const SECURITY: Record<Policy, Record<string, string[]>[]> = {
  open: [],
  guarded: [NO_TOKEN, { bearer: [] }],
  stream: [NO_TOKEN, { bearer: [] }, { token: [] }],
};

function pathsOf(operations: readonly Operation[]): OpenApiDocument["paths"] {
  const paths: OpenApiDocument["paths"] = {};
  for (const operation of operations) {
    const { method, path } = operation;
    paths[path] = { ...paths[path], [method.toLowerCase()]: described(operation) };
  }
  return paths;
}

function described(operation: Operation): object {
  const { id, tag, summary, description, policy, request, answers } = operation;
  const { params, query, headers, body } = request;
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(policy === "guarded" ? {} : { security: SECURITY[policy] }),
    parameters: [
      ...parameters("path", params),
      ...parameters("query", query),
      ...parameters("header", headers),
    ],
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { "application/json": { schema: schemaOf(body) } } } }),
    responses: Object.fromEntries(
      Object.entries({ ...commonAnswers(operation), ...answers }).map(([status, answer]) => [
        status,
        responseOf(answer),
      ]),
    ),
  };
}

function parameters(place: "path" | "query" | "header", given: RequestSchema | undefined): object[] {
  return Object.entries(given?.entries ?? {}).map(([name, entry]) => {
    const { description, ...schema } = schemaOf(entry);
    const required = entry.type !== "optional" && entry.type !== "exact_optional";
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
      id: { type: "string", description: "The client's position after this event: its next Last-Event-ID." },
      event: { type: "string", enum: eventNames(frames) },
      data: { type: "string", description: data },
    },
    required: ["event", "data"],
    additionalProperties: true,
  };
}

function schemaOf(schema: v.GenericSchema): JsonSchema {
  const { $schema: _, ...rest } = toJsonSchema(schema, CONVERSION);
  return rest;
}
