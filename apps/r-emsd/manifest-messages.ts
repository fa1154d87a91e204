import type { ManifestSource } from "../../configs/manifest-source.ts";
import type { Manifest } from "../../configs/manifest.ts";
import type { ErrorCode, ErrorDetails } from "../../kernel/errors.ts";

export interface ManifestWorkerData {
  readonly path: string;
}

/** A manifest with the texts that it came from. */
export interface ReadManifest {
  readonly manifest: Manifest;
  readonly source: ManifestSource;
}

/** What the thread that reads the manifest says, once, before it ends. */
export type ManifestMessage =
  | ({ readonly type: "read" } & ReadManifest)
  | {
      readonly type: "refused";
      readonly code: ErrorCode;
      /** Without the code at its end. */
      readonly text: string;
      readonly details: ErrorDetails;
    };
