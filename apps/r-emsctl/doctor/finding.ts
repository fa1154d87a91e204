import type { Manifest } from "../../../configs/manifest.ts";

/** One thing that was looked at. */
export interface Finding {
  /** What: `etcd`, `port 7401`, `device dg1`. */
  readonly check: string;
  readonly outcome: "ok" | "warning" | "failed";
  /** What was found, with figures. */
  readonly found: string;
  /** What to do; "" where nothing is. */
  readonly advice: string;
}

/** What every check is given. */
export interface Patient {
  readonly manifest: Manifest;
  /** Nodes of the manifest that run on this machine, as far as that can be told. */
  readonly localNodes: readonly string[];
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly told: (text: string) => void;
}

export const ok = (check: string, found: string): Finding => ({
  check,
  outcome: "ok",
  found,
  advice: "",
});
export const warning = (check: string, found: string, advice: string): Finding => ({
  check,
  outcome: "warning",
  found,
  advice,
});
export const failed = (check: string, found: string, advice: string): Finding => ({
  check,
  outcome: "failed",
  found,
  advice,
});
