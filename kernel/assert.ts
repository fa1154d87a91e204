import { InvariantError } from "./errors.ts";

/**
 * States what must be true here; stays on in production.
 *
 * @throws {@link InvariantError} if `condition` is false. Assert one fact per call, so that the message names it.
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** Returns `value`, which cannot be absent here. @throws {@link InvariantError} if it is. */
export function present<T>(value: T | null | undefined, message: string): T {
  if (value === null || value === undefined) throw new InvariantError(message);
  return value;
}
