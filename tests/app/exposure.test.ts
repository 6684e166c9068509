import { expect, test } from "bun:test";
import { exposureOf } from "../../src/app/exposure.ts";
import type { Exposure, ExposureSettings } from "../../src/app/exposure.ts";

const LOCAL: ExposureSettings = { host: "127.0.0.1", hasToken: false, corsOrigins: [], isInsecure: false };

test.each([
  [{}, "closed"],
  [{ corsOrigins: ["https://app.example"] }, "closed"],
  [{ host: "0.0.0.0" }, "open-by-accident"],
  [{ host: "0.0.0.0", isInsecure: true }, "open-on-purpose"],
  [{ host: "0.0.0.0", hasToken: true }, "closed"],
  [{ corsOrigins: ["*"] }, "open-to-pages"],
  [{ corsOrigins: ["*"], isInsecure: true }, "open-to-pages"],
  [{ corsOrigins: ["*"], hasToken: true }, "closed"],
] satisfies [Partial<ExposureSettings>, Exposure][])("exposureOf(%o) is %s", (settings, exposure) => {
  expect(exposureOf({ ...LOCAL, ...settings })).toBe(exposure);
});
