import { afterEach, beforeEach, expect, test } from "bun:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import type { OpenApiDocument } from "../../../src/server/openapi/document.ts";
import { CONNECTION, createTestApp, TestApp } from "../../support/app.ts";
import type { BareApp } from "../../support/app.ts";
import { ForeignArchive } from "../../support/archives.ts";
import { FakeClock } from "../../support/clock.ts";
import { openApiJson } from "../../support/openapi-json.ts";
import { Workspace } from "../../support/workspace.ts";

const document = JSON.parse(await openApiJson()) as OpenApiDocument;

let workspace: Workspace;
let archive: ForeignArchive;
let served: BareApp;
beforeEach(() => {
  workspace = new Workspace();
  archive = new ForeignArchive(workspace.path("view.db")).add("a");
  served = createTestApp(archive.path, new FakeClock());
});
afterEach(async () => {
  await served.store.close();
  archive[Symbol.dispose]();
  workspace[Symbol.dispose]();
});

test("openApiDocument() is valid OpenAPI 3.1, and has the program's version", async () => {
  const validator = new Validator();
  expect(await validator.validate({ ...document })).toEqual({ valid: true });
  expect([validator.version, document.info.version]).toEqual(["3.1", "1.2.3"]);
});

test("openApiDocument() describes every route but the page's files, and nothing else", () => {
  const routes = served.app.routes
    // The page's own files are not an interface.
    .filter(({ method, path }) => method !== "ALL" && !path.startsWith("/page/"))
    .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(described.sort()).toEqual([...new Set(routes)].sort());
});

test("openApiDocument() says of every route that a malformed Host header is refused", async () => {
  await using app = new TestApp();
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const headers = { host: "two hosts" };
      expect([path, (await app.request(path, { method, headers })).status]).toEqual([path, 400]);
      expect([path, Object.keys((operation as { responses: object }).responses)]).toEqual([
        path,
        expect.arrayContaining(["400"]),
      ]);
    }
  }
});

test("openApiDocument() names every schema that it refers to, and no other", () => {
  const references = JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g);
  expect([...new Set([...references].map(([, name]) => name))].sort()).toEqual(
    Object.keys(document.components.schemas).sort(),
  );
});

test("openApiDocument() lets every object have more members: generated clients must keep them", () => {
  const closed = objectsIn(document, "").filter(({ schema }) => schema["additionalProperties"] !== true);
  expect(closed.map(({ at }) => at)).toEqual([]);
});

test("openApiDocument() says what the token guard does: which routes are open, and which take the token in the URL", async () => {
  await using app = new TestApp({ token: "secret" });
  for (const [path, { get }] of Object.entries(document.paths)) {
    if (get === undefined) continue;
    const { security = document.security } = get as { security?: Record<string, string[]>[] };
    const query = path === "/api/v1/watch" ? ["all=true"] : [];
    const url = (...more: string[]): string =>
      `${path.replace("{id}", "a")}?${[...query, ...more].join("&")}`;
    const [without] = await app.outcome(url());
    const [inUrl] = await app.outcome(url("token=secret"));
    const takesUrl = security.length === 0 || security.some((scheme) => "token" in scheme);
    expect([path, without, inUrl]).toEqual([path, security.length === 0 ? 200 : 401, takesUrl ? 200 : 401]);
  }
});

/** What the document says of parameters is what requests are checked against. */
test.each(queries())(
  "openApiDocument() and the server agree on %s: %s=%s → %i",
  async (path, name, value, status) => {
    const others: Record<string, string> = path === "/api/v1/watch" ? { project: "demo" } : {};
    const query = new URLSearchParams({ ...others, [name]: value });
    const url = `http://localhost${path.replace("{id}", "a")}?${query}`;
    const response = await served.app.request(url, {}, CONNECTION);
    await response.body?.cancel();
    expect(response.status).toBe(status);
  },
);

interface Parameter {
  name: string;
  in: string;
  schema: { type: string; minimum?: number; maximum?: number; enum?: string[]; format?: string };
}

/** @returns values inside and outside the bounds of each bounded parameter. */
function queries(): [path: string, name: string, value: string, status: number][] {
  return Object.entries(document.paths).flatMap(([path, { get }]) => {
    const { parameters = [] } = (get ?? {}) as { parameters?: Parameter[] };
    return parameters
      .filter((parameter) => parameter.in === "query")
      .flatMap(({ name, schema }) =>
        valuesFor(schema).map(([value, status]) => [path, name, value, status] as const),
      )
      .map((query) => [...query] as [string, string, string, number]);
  });
}

function valuesFor({
  type,
  minimum,
  maximum,
  enum: choices,
  format,
}: Parameter["schema"]): [string, number][] {
  if (choices !== undefined)
    return [...choices.map((value): [string, number] => [value, 200]), ["neither", 400]];
  if (format === "date-time")
    return [
      ["2026-01-31T12:00:00Z", 200],
      ["soon", 400],
    ];
  if (type !== "integer" || minimum === undefined || maximum === undefined) return [];
  return [
    [`${minimum}`, 200],
    [`${maximum}`, 200],
    [`${minimum - 1}`, 400],
    [`${maximum + 1}`, 400],
    ["1.5", 400],
  ];
}

/** @returns every schema of an object in a part of the document, and where it is. */
function objectsIn(part: unknown, at: string): { at: string; schema: Record<string, unknown> }[] {
  if (typeof part !== "object" || part === null) return [];
  const schema = part as Record<string, unknown>;
  const within = Object.entries(schema).flatMap(([name, value]) => objectsIn(value, `${at}/${name}`));
  return schema["type"] === "object" ? [{ at, schema }, ...within] : within;
}
