/** Metrics whose values are read when they are asked for. */

import { Counter, Gauge, Registry } from "prom-client";
import type { Metric } from "prom-client";
import type { Sample } from "./histogram.ts";

/** What a source says now; null where there is nothing to say. */
type Read = () => number | null | Promise<number | null>;

export class LiveRegistry extends Registry {
  readonly #onError: (error: unknown) => void;

  /** @param onError something cannot be read: it is left out of the answer. */
  constructor(onError: (error: unknown) => void) {
    super();
    this.#onError = onError;
  }

  gauge(name: string, help: string, read: Read): void {
    const value = (): Promise<number | null> => this.#valueOf(read);
    this.registerMetric(
      new Gauge({
        name,
        help,
        registers: [],
        async collect() {
          const now = await value();
          if (now === null) this.remove();
          else this.set(now);
        },
      }),
    );
  }

  /** One gauge for each value of a label. */
  gauges(name: string, help: string, label: string, values: Record<string, number>): void {
    this.registerMetric(
      new Gauge({
        name,
        help,
        labelNames: [label],
        registers: [],
        collect() {
          for (const [key, value] of Object.entries(values)) this.set({ [label]: key }, value);
        },
      }),
    );
  }

  /** Others count: the registry's own counter is set to how far they are. */
  counter(name: string, help: string, read: Read): void {
    const value = (): Promise<number | null> => this.#valueOf(read);
    this.registerMetric(
      new Counter({
        name,
        help,
        registers: [],
        async collect() {
          const now = await value();
          this.remove();
          if (now !== null) this.inc(now);
        },
      }),
    );
  }

  /** One counter for each value of a label. */
  counters(name: string, help: string, label: string, values: Record<string, number>): void {
    this.registerMetric(
      new Counter({
        name,
        help,
        labelNames: [label],
        registers: [],
        collect() {
          this.reset();
          for (const [key, value] of Object.entries(values)) this.inc({ [label]: key }, value);
        },
      }),
    );
  }

  /** What is counted in buckets already. */
  histogram(name: string, help: string, samples: (name: string) => Sample[]): void {
    const metric = { name, get: async () => ({ name, help, type: "histogram", values: samples(name) }) };
    // It asks a metric for nothing but these two; its types only know the library's own ones.
    this.registerMetric(metric as unknown as Metric);
  }

  async #valueOf(read: Read): Promise<number | null> {
    try {
      return await read();
    } catch (error) {
      this.#onError(error);
      return null;
    }
  }
}
