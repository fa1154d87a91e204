import { startWorker } from "../../history/start-worker.ts";
import { RemsError } from "../../kernel/errors.ts";
import type { ManifestMessage, ManifestWorkerData, ReadManifest } from "./manifest-messages.ts";

/**
 * Loads a manifest, and the texts that it comes from, in a thread of its own, which ends with it: the schemas of manifest and profiles would else stay in the control
 * thread's heap for as long as the node runs.
 *
 * @throws {@link RemsError} as `loadManifest` does.
 */
export function readManifest(path: string): Promise<ReadManifest> {
  const data: ManifestWorkerData = { path };
  return new Promise((resolve, reject) => {
    const worker = startWorker(import.meta.url, "manifest-worker", data);
    let message: ManifestMessage | null = null;
    worker.once("message", (said: ManifestMessage) => (message = said));
    worker.once("error", reject);
    // Not before it has ended: the node starts with its memory given back.
    worker.once("exit", () => {
      if (message?.type === "read") resolve({ manifest: message.manifest, source: message.source });
      else if (message?.type === "refused")
        reject(new RemsError(message.code, message.text, { details: message.details }));
      else reject(new RemsError("REMS_PROGRAM_FAILED", `the thread that reads ${path} ended`));
    });
  });
}
