/** Counts durations in buckets. Called once for each event and client, so it must cost next to nothing. */

import type { MetricSample } from "./exposition.ts";

export class Histogram {
  /** Upper bounds in ms, rising; one more bucket counts what lies above them. */
  readonly #boundsMs: readonly number[];
  readonly #counts: Float64Array;
  #sumMs = 0;

  constructor(boundsMs: readonly number[]) {
    this.#boundsMs = boundsMs;
    this.#counts = new Float64Array(boundsMs.length + 1);
  }

  observe(ms: number): void {
    // The clock may be set back in between.
    const durationMs = Math.max(0, ms);
    let bucket = 0;
    while (durationMs > (this.#boundsMs[bucket] ?? Infinity)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sumMs += durationMs;
  }

  /** @returns the lines that Prometheus reads, in seconds: each bucket includes all smaller ones. */
  samples(name: string, labels: Readonly<Record<string, string>>): MetricSample[] {
    let count = 0;
    const buckets = [...this.#counts].map((inBucket, index) => {
      count += inBucket;
      const bound = this.#boundsMs[index];
      const le = bound === undefined ? "+Inf" : bound / 1000;
      return { name: `${name}_bucket`, labels: { ...labels, le }, value: count };
    });
    return [
      ...buckets,
      { name: `${name}_sum`, labels, value: this.#sumMs / 1000 },
      { name: `${name}_count`, labels, value: count },
    ];
  }
}
