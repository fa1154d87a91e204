import { RemsError } from "../../kernel/errors.ts";

/**
 * Waits for something that other threads, processes or the kernel bring about. Looks every other millisecond.
 * @throws RemsError `REMS_TIMEOUT` that says what did not happen.
 */
export async function eventually(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  withinMs = 10_000,
): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) {
      throw new RemsError("REMS_TIMEOUT", `${what} did not happen within ${withinMs} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
