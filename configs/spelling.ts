/** The candidate that `word` most likely meant, or null where none is near: at most a third of its letters differ. */
export function closest(word: string, candidates: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(normal(word), normal(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** `failoverOrder` and `failover-order` are as good as `failover_order`. */
function normal(word: string): string {
  return word
    .slice(0, 64)
    .replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    .replaceAll("-", "_");
}

/** Least number of letters to insert, delete or replace (Levenshtein 1966). */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The names that are allowed, the likely one first. */
export function oneOf(found: string, names: readonly string[]): string {
  const suggestion = closest(found, names);
  const all = `one of ${names.map((name) => `"${name}"`).join(", ") || "none"}`;
  return suggestion === null ? all : `did you mean "${suggestion}"? ${all}`;
}
