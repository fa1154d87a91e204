import { parentPort, workerData } from "node:worker_threads";
import { loadManifest } from "../../configs/load-manifest.ts";
import { readManifestSource } from "../../configs/manifest-source.ts";
import { present } from "../../kernel/assert.ts";
import { RemsError } from "../../kernel/errors.ts";
import type { ManifestMessage, ManifestWorkerData } from "./manifest-messages.ts";

const port = present(parentPort, "the manifest is read in a worker thread");

function read({ path }: ManifestWorkerData): ManifestMessage {
  try {
    const manifest = loadManifest(path);
    return { type: "read", manifest, source: readManifestSource(manifest) };
  } catch (error) {
    if (!(error instanceof RemsError)) throw error;
    const { code, message, details } = error;
    return { type: "refused", code, text: message.slice(0, -` [${code}]`.length), details };
  }
}

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
port.postMessage(read(workerData as ManifestWorkerData));
