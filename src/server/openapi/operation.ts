/** One method of one path, in words: what it takes, who may use it, and what it answers. */

import type { RequestSchema } from "../request/checked.ts";
import type { DefinitionName } from "./answers.ts";
import type { EventDefinitionName } from "./event-schemas.ts";

/**
 * - `open`: answered without the server's token, because it says nothing about any session
 * - `guarded`: needs the token, if the server has one
 * - `stream`: the same, and the token may be in the URL, because an EventSource cannot send headers; needs a free place
 */
export type Policy = "open" | "guarded" | "stream";

export interface Operation {
  method: "GET" | "POST";
  /** With names in braces, such as `/api/v1/sessions/{id}`. */
  path: `/${string}`;
  policy: Policy;
  /** Unique; generated clients name their method after it. */
  id: string;
  tag: "streams" | "sessions" | "operations";
  summary: string;
  description?: string;
  request: RequestSchemas;
  /** By status; `commonAnswers` adds what any request may be answered with. */
  answers: Readonly<Record<number, Answer>>;
}

/** What a request is checked against, part by part. */
export interface RequestSchemas {
  /** The names in the path. */
  params?: RequestSchema;
  query?: RequestSchema;
  headers?: RequestSchema;
  /** JSON. */
  body?: RequestSchema;
}

export interface Answer {
  description: string;
  /** By media type. */
  content?: Readonly<Record<string, Content>>;
  /** Their descriptions, by name. */
  headers?: Readonly<Record<string, string>>;
}

/** A schema by its name; a text and what it is; or frames of these events, and what their data is. */
export type Content = DefinitionName | { text: string } | { frames: EventDefinitionName; data: string };
