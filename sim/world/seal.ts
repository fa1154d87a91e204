import { InvariantError } from "../../kernel/errors.ts";

type Holder = Record<string, unknown>;

/** What a world must not ask: its time and chance come from the event heap and the seed. */
const SEALED: readonly (readonly [holder: () => Holder, name: string])[] = [
  ...["Date", "setTimeout", "setInterval", "setImmediate", "queueMicrotask", "fetch"].map(
    (name) => [() => globalThis as unknown as Holder, name] as const,
  ),
  [() => Math as unknown as Holder, "random"],
  [() => performance as unknown as Holder, "now"],
  [() => crypto as unknown as Holder, "getRandomValues"],
  [() => crypto as unknown as Holder, "randomUUID"],
];

/**
 * Runs `act` in a world without ambient time and chance: `Date`, timers, microtasks and `Math.random` throw. `act` is synchronous, so
 * no promise decides an order either: none goes on before it has returned.
 */
export function sealed<T>(act: () => T): T {
  const restore: (() => void)[] = [];
  for (const [holder, name] of SEALED) {
    const target = holder();
    const descriptor = Object.getOwnPropertyDescriptor(target, name);
    const forbidden = (): never => {
      throw new InvariantError(
        `${name} is asked in the deterministic world; use the Clock or Random port`,
      );
    };
    const value = Object.assign(forbidden, { now: forbidden });
    Object.defineProperty(target, name, { value, configurable: true, writable: true });
    restore.push(() => {
      if (descriptor === undefined) Reflect.deleteProperty(target, name);
      else Object.defineProperty(target, name, descriptor);
    });
  }
  try {
    return act();
  } finally {
    for (const undo of restore) undo();
  }
}
