import type { Clock } from "../../kernel/ports/clock.ts";

export type Answer<T> =
  | { readonly isAnswered: true; readonly value: T }
  | { readonly isAnswered: false; readonly reason: string };

/** Calls `done` exactly once: with the result, with why it failed, or at the deadline. */
export function callWithin<T>(
  clock: Clock,
  deadlineMs: number,
  result: Promise<T>,
  done: (answer: Answer<T>) => void,
): void {
  let isDone = false;
  const finish = (answer: Answer<T>) => {
    if (isDone) return;
    isDone = true;
    timer.cancel();
    done(answer);
  };
  const timer = clock.at(clock.monotonicMs() + deadlineMs, () =>
    finish({ isAnswered: false, reason: `no answer within ${Math.round(deadlineMs)} ms` }),
  );
  result.then(
    (value) => finish({ isAnswered: true, value }),
    (error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      finish({ isAnswered: false, reason });
    },
  );
}
