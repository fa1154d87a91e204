import type { MessagePort } from "node:worker_threads";
import type { ActorView } from "../actors/runtime/actor-view.ts";
import type { MachineDescription } from "../actors/runtime/machine-definition.ts";
import type { Role } from "../cluster/core/effects.ts";
import type { Manifest } from "../configs/manifest.ts";
import type { OperatorRequest } from "../kernel/command.ts";
import type { AlarmPriority } from "../kernel/alarm.ts";
import type { ActorTransition } from "../kernel/core.ts";
import type { LogPosition, Member } from "../kernel/record.ts";

/** Everything that the API worker is started with: plain data that can be copied to a thread. */
export interface ApiWorkerData {
  readonly manifest: Manifest;
  readonly node: string;
  readonly version: string;
  readonly operatorPort: number;
  readonly httpPort: number;
  /** Holds the journal and captured incidents; null: none are captured or handed out. */
  readonly dataDirectory: string | null;
  /** Simulation only: `http://127.0.0.1:<port>` of the launcher; null: none. */
  readonly simulationControl: string | null;
  /** Null: not served. */
  readonly modbusPort: number | null;
  /** Statecharts of the local actors. */
  readonly localMachines: readonly MachineDescription[];
  /** Records below, written by the control thread. */
  readonly feed: SharedArrayBuffer;
  /** {@link ApiCommand}s, written by the worker. */
  readonly commands: SharedArrayBuffer;
}

/** What a controller knows about the leadership of its grid; a {@link LoopView} fits. */
export interface ApiGridStatus {
  readonly role: Role;
  readonly epoch: number;
  readonly leader: Member | null;
  readonly inSync: readonly Member[];
  readonly hasAuthority: boolean;
  /** Only a leader knows of the others. */
  readonly controller?: { readonly followers: readonly ApiFollower[] };
  /** What devices refuse to show; only a leader knows. */
  readonly refused?: readonly ApiRefusal[];
}

export interface ApiRefusal {
  readonly device: string;
  readonly point: string;
  /** Which register, and what the device said. */
  readonly text: string;
}

/** What a leader knows of another controller of its grid. */
export interface ApiFollower {
  readonly node: string;
  /** Of the last frame that it acknowledged. */
  readonly heldSequence: number | null;
  /** 0 or less: when the message was sent that it acknowledged last, from now. */
  readonly promisedMsAgo: number | null;
  /** Critical devices that it reaches. */
  readonly reachedCount: number;
  /** It holds every frame whose outputs were issued. */
  readonly isCaughtUp: boolean;
  /** Time until it may be added to the in-sync set again; 0 where nothing but frames keeps it out. */
  readonly addInMs: number;
  /** How often it left the set without a minute in it between. */
  readonly removedCount: number;
}

export interface ApiReply {
  readonly requestId: string;
  readonly isAccepted: boolean;
  readonly reason: string;
}

/** A record of the feed: a letter, then its text, so that the text of a frame travels as it is. */
export const FEED = {
  frame: "f",
  snapshot: "s",
  localActor: "a",
  alarm: "l",
  status: "o",
  reply: "r",
  scan: "c",
  lag: "g",
} as const;

export interface FeedSnapshot {
  readonly grid: string;
  /** As {@link Replica} `snapshot` gives it. */
  readonly text: string;
  readonly position: LogPosition | null;
}

export interface FeedLocalActor {
  readonly view: ActorView;
  readonly transition: ActorTransition | null;
}

/** An alarm of this node, not of a grid's core. */
export interface FeedAlarm {
  readonly grid: string;
  readonly code: string;
  readonly isActive: boolean;
  readonly priority: AlarmPriority;
  readonly text: string;
}

export interface FeedScan {
  readonly grid: string;
  readonly latenessMs: number;
  readonly missedCount: number;
}

/** What operators ask of the control thread. `expectedEpoch` 0 means any. */
export type ApiCommand =
  | {
      readonly type: "request";
      readonly grid: string;
      readonly expectedEpoch: number;
      readonly request: OperatorRequest;
    }
  | {
      readonly type: "force";
      readonly grid: string;
      readonly expectedEpoch: 0;
      readonly requestId: string;
      readonly user: string;
      readonly reason: string;
    }
  | {
      readonly type: "transfer";
      readonly grid: string;
      readonly expectedEpoch: number;
      readonly requestId: string;
      readonly toNode: string;
      readonly user: string;
      readonly reason: string;
    };

/** What the control thread tells the worker beside the feed. `history`: a way to ask the history store. */
export type ApiWorkerOrder =
  | { readonly type: "close" }
  | { readonly type: "history"; readonly port: MessagePort };

/** What the worker tells the control thread beside commands. */
export type ApiWorkerMessage =
  | {
      readonly type: "listening";
      readonly operatorPort: number;
      readonly httpPort: number;
      readonly modbusPort: number | null;
    }
  | { readonly type: "refused"; readonly isPortInUse: boolean; readonly text: string }
  | { readonly type: "snapshotNeeded"; readonly grid: string }
  /** An incident was captured, or could not be. */
  | { readonly type: "incident"; readonly isStored: boolean; readonly text: string }
  /** A fact of this node on which an alarm rests. */
  | { readonly type: "fact"; readonly fact: string; readonly value: boolean }
  /** The node is to start anew with its file. */
  | { readonly type: "restart"; readonly user: string }
  /** The manifest was written as it is in force, or left alone. */
  | { readonly type: "manifest"; readonly isWritten: boolean; readonly text: string }
  | { readonly type: "closed" };
