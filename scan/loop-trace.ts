import type { LeadershipOrigin } from "../kernel/frame.ts";

/** Steps of a loop, those of a failover above all, for whoever measures where its time goes. Times are monotonic milliseconds. */
export type LoopStep =
  /** A scan began so much later than it was due. */
  | { readonly step: "scanned"; readonly latenessMs: number }
  /** A takeover went to the coordinator: last message of the old leader, and until when the promise bound this controller. */
  | {
      readonly step: "takeoverSent";
      readonly heardAtMs: number | null;
      readonly promiseUntilMs: number | null;
    }
  | { readonly step: "takeoverAnswered"; readonly outcome: "applied" | "refused" | "unknown" }
  | { readonly step: "led"; readonly epoch: number; readonly origin: LeadershipOrigin }
  /** The first frame of an epoch stands in the log. */
  | { readonly step: "firstFrame"; readonly epoch: number; readonly sequence: number }
  /** Outputs of the frame were handed to the driver: every member of the in-sync set has acknowledged it. */
  | {
      readonly step: "released";
      readonly epoch: number;
      readonly sequence: number;
      readonly hash: string;
    };
