import { expect, test } from "bun:test";
import { policiesOf } from "../../../src/server/guards/policies.ts";

const policyFor = policiesOf([
  { method: "GET", path: "/", policy: "open" },
  { method: "GET", path: "/page/main.js", policy: "open" },
  { method: "GET", path: "/api/v1/sessions/{id}", policy: "guarded" },
  { method: "GET", path: "/api/v1/sessions/{id}/watch", policy: "stream" },
  { method: "GET", path: "/both", policy: "open" },
  { method: "POST", path: "/both", policy: "guarded" },
]);

test.each([
  ["GET", "/", "open"],
  ["HEAD", "/", "open"],
  ["PUT", "/", "open"],
  ["GET", "/page/main.js", "open"],
  ["GET", "/page/mainxjs", null],
  ["GET", "/page/main.js/", null],
  ["GET", "//", null],
  ["GET", "/api/v1/sessions/a", "guarded"],
  ["GET", "/api/v1/sessions/a:b~c", "guarded"],
  ["GET", "/api/v1/sessions/", null],
  ["GET", "/api/v1/sessions/a/watch", "stream"],
  ["PUT", "/api/v1/sessions/a/watch", "stream"],
  ["GET", "/api/v1/sessions/a/b/watch", null],
  ["GET", "/both", "open"],
  ["POST", "/both", "guarded"],
  ["DELETE", "/both", "guarded"],
] as const)("policiesOf() gives %s %s the policy %p", (method, path, policy) => {
  expect(policyFor(method, path)).toBe(policy);
});
