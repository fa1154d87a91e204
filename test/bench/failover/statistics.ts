import { assert, present } from "../../../kernel/assert.ts";

/** A quantile of a sample with a confidence interval of its own population's quantile; null where the sample is too small for a bound. */
export interface Quantile {
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}

const CONFIDENCE = 0.95;

/**
 * Quantile by the nearest rank, with the distribution-free interval between two order statistics whose ranks enclose the quantile with
 * at least 95 % (binomial; David and Nagaraja, Order Statistics, 3rd ed., 7.1). A 99th percentile needs about 370 values for an upper bound.
 *
 * @param values - At least one; in any order.
 * @param q - 0 < q < 1.
 */
export function quantile(values: readonly number[], q: number): Quantile {
  assert(values.length > 0, "a quantile needs a value");
  assert(q > 0 && q < 1, "a quantile lies between 0 and 1");
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  const tail = (1 - CONFIDENCE) / 2;
  const cumulative = binomialCdf(n, q);
  // P(X(r) ≤ quantile) = P(at least r values lie below it) = 1 − F(r − 1).
  let low = 0;
  while (low < n && present(cumulative[low], "a rank") <= tail) low++;
  let high = n;
  while (high > 0 && 1 - present(cumulative[high - 1], "a rank") <= tail) high--;
  const rank = Math.min(n, Math.max(1, Math.ceil(q * n)));
  return {
    value: present(sorted[rank - 1], "a rank within the sample"),
    low: low === 0 ? null : present(sorted[low - 1], "a rank within the sample"),
    high: high === n ? null : present(sorted[high], "a rank within the sample"),
  };
}

/** F(k) for k = 0…n: at most k of n lie below the quantile. */
function binomialCdf(n: number, q: number): number[] {
  const cumulative: number[] = [];
  let logTerm = n * Math.log(1 - q);
  let sum = 0;
  for (let k = 0; k <= n; k++) {
    sum += Math.exp(logTerm);
    cumulative.push(Math.min(1, sum));
    logTerm += Math.log((n - k) / (k + 1)) + Math.log(q / (1 - q));
  }
  return cumulative;
}

/** Upper 95 % bound of a rate per hour after `count` events in `hours`, where events are independent (Poisson; found by bisection). */
export function rateUpperPerHour(count: number, hours: number): number {
  assert(hours > 0, "a rate needs a time");
  const probabilityAtMost = (mean: number): number => {
    let term = Math.exp(-mean);
    let sum = term;
    for (let k = 1; k <= count; k++) {
      term *= mean / k;
      sum += term;
    }
    return sum;
  };
  let low = 0;
  let high = count + 10 * Math.sqrt(count + 1) + 10;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (probabilityAtMost(middle) > 1 - CONFIDENCE) low = middle;
    else high = middle;
  }
  return high / hours;
}
