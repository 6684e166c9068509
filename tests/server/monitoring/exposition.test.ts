import { expect, test } from "bun:test";
import { exposition } from "../../../src/server/monitoring/exposition.ts";
import { samplesOf } from "../../support/exposition.ts";

test("exposition() writes families, their help and type, and a line for each sample", () => {
  const text = exposition([
    { name: "up", help: "Whether it runs.", type: "gauge", samples: [{ name: "up", labels: {}, value: 1 }] },
    {
      name: "seconds",
      help: "Durations.",
      type: "histogram",
      samples: [{ name: "seconds_bucket", labels: { kind: "a", le: "+Inf" }, value: 3 }],
    },
    { name: "unread", help: "Has no value now.", type: "counter", samples: [] },
  ]);
  expect(text).toBe(
    "# HELP up Whether it runs.\n# TYPE up gauge\nup 1\n\n" +
      '# HELP seconds Durations.\n# TYPE seconds histogram\nseconds_bucket{kind="a",le="+Inf"} 3\n\n' +
      "# HELP unread Has no value now.\n# TYPE unread counter\n",
  );
  expect([...samplesOf(text).values()]).toEqual([1, 3]);
});

test("exposition() escapes help and labels, and writes every number as Prometheus reads it", () => {
  const sample = (label: string, value: number) => ({ name: "x", labels: { label }, value });
  const samples = [
    sample('"a"\\\n', Infinity),
    sample("b", -Infinity),
    sample("c", Number.NaN),
    sample("d", 1e21),
  ];
  expect(exposition([{ name: "x", help: "one\\two\nthree", type: "gauge", samples }]).split("\n")).toEqual([
    "# HELP x one\\\\two\\nthree",
    "# TYPE x gauge",
    'x{label="\\"a\\"\\\\\\n"} +Inf',
    'x{label="b"} -Inf',
    'x{label="c"} NaN',
    'x{label="d"} 1e+21',
    "",
  ]);
});
