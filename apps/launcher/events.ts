import type { z } from "zod";
import type { failoverMessage, totalsMessage } from "../../sim/simulator/protocol.ts";

export type FailoverMessage = z.infer<typeof failoverMessage>;
export type Totals = z.infer<typeof totalsMessage>;

/** What a run tells whoever watches it, in the order in which it happened. */
export type LauncherEvent =
  /** Something the launcher did or found. */
  | { readonly type: "note"; readonly text: string }
  /** What is about to be seen. */
  | { readonly type: "tour"; readonly text: string }
  /** Something a script or a person did, or could not do. */
  | { readonly type: "action"; readonly isDone: boolean; readonly text: string }
  | { readonly type: "node"; readonly node: string; readonly state: string; readonly text: string }
  /** The plant's own, and what the devices see: kinds as the simulator names them. */
  | {
      readonly type: "plant";
      readonly kind: string;
      readonly grid: string;
      readonly device: string;
      readonly text: string;
    }
  /** A failover was measured at the devices. */
  | { readonly type: "failover"; readonly failover: FailoverMessage };
