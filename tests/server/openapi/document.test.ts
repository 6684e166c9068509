import { afterEach, beforeEach, expect, test } from "bun:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { openApiDocument } from "../../../src/server/openapi/document.ts";
import { CONNECTION, createTestApp, TestApp } from "../../support/app.ts";
import type { BareApp } from "../../support/app.ts";
import { ForeignArchive } from "../../support/archives.ts";
import { FakeClock } from "../../support/clock.ts";
import { Workspace } from "../../support/workspace.ts";

const document = openApiDocument("1.2.3");

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

test("openApiDocument() is what OpenAPI 3.1 allows, and has the program's version", async () => {
  const validator = new Validator();
  expect(await validator.validate({ ...document })).toEqual({ valid: true });
  expect([validator.version, document.info.version]).toEqual(["3.1", "1.2.3"]);
});

test("openApiDocument() describes the routes that there are, and no others", () => {
  const routes = served.app.routes
    // The page's own files are nobody else's interface.
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

test("openApiDocument() names every schema that is referred to, and none that is not", () => {
  const references = JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g);
  expect([...new Set([...references].map(([, name]) => name))].sort()).toEqual(
    Object.keys(document.components.schemas).sort(),
  );
});

test("openApiDocument() says what the guard of the token does: which routes are open, and which take it in the URL", async () => {
  await using app = new TestApp({ token: "secret" });
  for (const [path, { get }] of Object.entries(document.paths)) {
    if (get === undefined) continue;
    const { security = document.security } = get as { security?: Record<string, string[]>[] };
    const url = `${path.replace("{id}", "a")}?all=true`;
    const [without] = await app.outcome(url);
    const [inUrl] = await app.outcome(`${url}&token=secret`);
    const takesUrl = security.length === 0 || security.some((scheme) => "token" in scheme);
    expect([path, without, inUrl]).toEqual([path, security.length === 0 ? 200 : 401, takesUrl ? 200 : 401]);
  }
});

/** What the document says of parameters is what requests are held to. */
test.each(queries())(
  "openApiDocument() and the server agree on %s: %s=%s → %i",
  async (path, name, value, status) => {
    const query = new URLSearchParams({ project: "demo", [name]: value });
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

/** @returns for each parameter that is bounded values within and without. */
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
