import { expect, test } from "bun:test";
import { Histogram } from "../../../src/server/monitoring/histogram.ts";

test("Histogram counts a duration where it belongs: at most the bound, in seconds, and in all greater ones", () => {
  const buckets = new Histogram([1, 10]);
  for (const ms of [0, 1, 1.5, 10, 10.5, -3]) buckets.observe(ms);
  expect(buckets.samples("x", { a: "b" })).toEqual([
    { metricName: "x_bucket", labels: { a: "b", le: 0.001 }, value: 3 },
    { metricName: "x_bucket", labels: { a: "b", le: 0.01 }, value: 5 },
    { metricName: "x_bucket", labels: { a: "b", le: "+Inf" }, value: 6 },
    { metricName: "x_sum", labels: { a: "b" }, value: 0.023 },
    { metricName: "x_count", labels: { a: "b" }, value: 6 },
  ]);
});
