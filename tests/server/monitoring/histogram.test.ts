import { expect, test } from "bun:test";
import { Histogram } from "../../../src/server/monitoring/histogram.ts";

test("Histogram counts a duration in the bucket whose bound it does not exceed, and in all greater ones, in seconds", () => {
  const buckets = new Histogram([1, 10]);
  for (const ms of [0, 1, 1.5, 10, 10.5, -3]) buckets.observe(ms);
  expect(buckets.samples("x", { a: "b" })).toEqual([
    { name: "x_bucket", labels: { a: "b", le: 0.001 }, value: 3 },
    { name: "x_bucket", labels: { a: "b", le: 0.01 }, value: 5 },
    { name: "x_bucket", labels: { a: "b", le: "+Inf" }, value: 6 },
    { name: "x_sum", labels: { a: "b" }, value: 0.023 },
    { name: "x_count", labels: { a: "b" }, value: 6 },
  ]);
});
