import { writeFileSync } from "node:fs";
import { RemsError } from "../../kernel/errors.ts";

/** Writes a file that the user named. @throws {@link RemsError} `REMS_REQUEST_INVALID` with what the system says, where it cannot be. */
export function writeOutput(path: string, content: string | Uint8Array): void {
  try {
    writeFileSync(path, content);
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

export function unwritable(path: string, cause: unknown): RemsError {
  const { code = "unknown" } = cause as NodeJS.ErrnoException;
  return new RemsError("REMS_REQUEST_INVALID", `${path} cannot be written (${code})`, { cause });
}
