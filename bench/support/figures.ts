/** What a bench finds out, and the table that it is printed as. */

/** How often something was measured, and what is wanted of it; all in ms. */
export interface Distribution {
  what: string;
  samplesMs: readonly number[];
  aim?: { medianMs: number; p99Ms?: number };
}

/** One value, with its unit. */
export interface Reading {
  what: string;
  value: string;
}

export type Figure = Distribution | Reading;

/** What all benches share. */
export interface Setting {
  /** The executable that is measured. */
  binary: string;
}

export type Bench = (setting: Setting) => Promise<Figure[]>;

const HEADER = ["", "n", "median", "p90", "p99", "max", "aim", ""];

/** @returns an aligned table; times in ms. */
export function formatFigures(title: string, figures: readonly Figure[]): string {
  const isTimed = figures.some((figure) => "samplesMs" in figure);
  const rows = [isTimed ? [`${title} (ms)`, ...HEADER.slice(1)] : [title], ...figures.map(cells)];
  const widths = HEADER.map((_cell, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => alignRow(row, widths)).join("\n");
}

/** @param share 0.5 for the median. @returns the smallest value that this share of `values` does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

function cells(figure: Figure): string[] {
  if ("value" in figure) return [figure.what, "", figure.value];
  const { what, samplesMs, aim } = figure;
  const shares = [0.5, 0.9, 0.99, 1].map((share) => percentile(samplesMs, share));
  return [what, `${samplesMs.length}`, ...shares.map((ms) => ms.toFixed(2)), ...verdict(shares, aim)];
}

function verdict([median = 0, , p99 = 0]: readonly number[], aim: Distribution["aim"]): string[] {
  if (aim === undefined) return [];
  const { medianMs, p99Ms = Infinity } = aim;
  const text = p99Ms === Infinity ? `${medianMs}` : `${medianMs}, p99 ${p99Ms}`;
  return [`≤ ${text}`, median <= medianMs && p99 <= p99Ms ? "met" : "missed"];
}

/** Text to the left, numbers to the right. */
function alignRow(row: readonly string[], widths: readonly number[]): string {
  const aligned = row.map((cell, column) => {
    const width = widths[column] ?? 0;
    return column === 0 || column >= 6 ? cell.padEnd(width) : cell.padStart(width);
  });
  return aligned.join("  ").trimEnd();
}
