/** A message as one line of JSON: 64-bit numbers exact, as numbers where they fit and as text where they do not. */
export function jsonText(message: unknown): string {
  return JSON.stringify(message, (_key, value: unknown) => (isLong(value) ? exact(value) : value));
}

/** A 64-bit number as protobufjs decodes it. */
interface Long {
  readonly low: number;
  readonly high: number;
  readonly unsigned: boolean;
}

function isLong(value: unknown): value is Long {
  return typeof value === "object" && value !== null && "unsigned" in value && "low" in value;
}

/** All 64-bit fields are unsigned. */
function exact({ low, high }: Long): number | string {
  const value = (BigInt(high >>> 0) << 32n) + BigInt(low >>> 0);
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString();
}
