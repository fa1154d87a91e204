/** A message as one line of JSON: 64-bit numbers exact, as numbers where they fit and as text where they do not. */
export function jsonText(message: unknown): string {
  return JSON.stringify(message, (_key, value: unknown) => {
    if (typeof value !== "object" || value === null || !("unsigned" in value)) return value;
    const exact = BigInt(String(value));
    return exact <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(exact) : String(exact);
  });
}
