import type { Canonical } from "../../kernel/canonical.ts";
import type { RequestReply } from "../../kernel/command.ts";
import type { LeadershipOrigin } from "../../kernel/frame.ts";
import type { GridStatus, IslandTargets } from "../../kernel/grid-message.ts";
import type { ConnectionState, PointSample } from "../../kernel/point.ts";
import type { Capability } from "../../energy/derating.ts";
import type { BlackoutState } from "../../energy/blackout.ts";
import type { IslandingState } from "../../energy/islanding.ts";
import type { QuarterState } from "../../energy/site.ts";
import type { TieFeedState } from "../../energy/tie-feed.ts";
import type { StartStopTimers } from "../../energy/start-stop.ts";
import type { TransferState } from "../../energy/transfer.ts";
import type { AlarmBook } from "../alarms/alarm-book.ts";
import type { Position } from "../machines/device-event.ts";
import type { DeviceImage } from "../machines/device-image.ts";
import type { ConfigurationState } from "./configuration.ts";
import type { OperatorLimit } from "./operator-limits.ts";
import type { SupplyState } from "./supply-state.ts";
import type { TreeState } from "../runtime/replicated-tree.ts";

/** Everything that the core of one grid remembers: canonical, replicated, hashed, restored. */
export type GridState = {
  readonly plantTimeMs: number;
  readonly epoch: number;
  readonly sequence: number;
  /** By device, then by point. Holds own devices and the tie breakers of other grids. */
  readonly images: { readonly [device: string]: DeviceImage };
  readonly connections: { readonly [device: string]: ConnectionState };
  readonly positions: { readonly [device: string]: PositionState };
  readonly facts: { readonly [fact: string]: number | boolean | string };
  readonly leadership: LeadershipState;
  readonly tree: TreeState;
  /** What each actor last read; null makes it read again. In the order of the tree. */
  readonly seen: readonly Canonical[];
  readonly timers: StartStopTimers;
  readonly blackout: BlackoutState;
  /** The move of the load between shore and the own sets. */
  readonly transfer: TransferState;
  /** Id of the operating mode that operators chose, or "": the manifest's first. */
  readonly operatingMode: string;
  /** Sets that operators took out of automatic start and stop, sorted. */
  readonly semiSets: readonly string[];
  /** Of a land site; never changes elsewhere. */
  readonly site: SiteState;
  /** Set-points held, by `device.point`. Absent: none is held. */
  readonly levels: { readonly [level: string]: number };
  /** Parameters in force; absent until a frame told them: the manifest's then. */
  readonly configuration?: ConfigurationState;
  /** Limits that operators set for a time; absent where there are none. */
  readonly limits?: readonly OperatorLimit[];
  /** After what sources are locked out until an operator resets them; absent where none is. */
  readonly lockouts?: { readonly [device: string]: string };
  /** What derated sets are counted with, kW; absent where none is derated. */
  readonly capabilities?: { readonly [device: string]: Capability };
  readonly bms: { readonly [device: string]: HeartbeatState };
  /** Commands whose fate is awaited, oldest first; bounded. */
  readonly pending: readonly PendingCommand[];
  readonly alarmBook: AlarmBook;
  /** Why a device was last asked for something, by a decision or an operator. */
  readonly asked: { readonly [device: string]: string };
  /** Requests answered, oldest first; bounded. */
  readonly answered: readonly RequestReply[];
  readonly peers: { readonly [grid: string]: PeerState };
  readonly targets: TargetsState | null;
  /** As the island's master: the consumer of another grid that was granted last. */
  readonly grantedElsewhere: { readonly device: string; readonly atMs: number } | null;
  readonly supply: SupplyState;
  /** The tie breaker that was closed for a dark neighbour. */
  readonly feeding: TieFeedState;
  /** Members of the island, in the order of the manifest, this grid included. */
  readonly island: readonly string[];
};

/** What a land site remembers beyond the power of its sources. */
export type SiteState = {
  readonly islanding: IslandingState;
  readonly quarter: QuarterState;
  /** Time of the last frame by the wall clock: data only, for the utility's quarters of an hour. */
  readonly wallTimeMs: number;
};

export type PositionState = {
  readonly position: Position;
  /** Since when the contacts have been equal, plant time; null where they are not. */
  readonly movingSinceMs: number | null;
};

export type HeartbeatState = { readonly count: number; readonly sinceMs: number };

export type PendingCommand = {
  readonly id: string;
  readonly device: string;
  readonly command: string;
};

export type LeadershipState = {
  readonly leader: string;
  readonly inSyncCount: number;
  readonly origin: LeadershipOrigin | "none";
  readonly sinceMs: number;
  /** Commands wait until then: the longest wait. */
  readonly commandsFromMs: number;
  /** Every critical point was read once in this leadership, or the wait for it is over. */
  readonly isRead: boolean;
  /** After a hot takeover: what the new leader has not read well yet keeps its last good value until then. */
  readonly carriedUntilMs: number;
  readonly carried: readonly PointSample[];
};

/** The last status of another grid that was accepted. */
export type PeerState = {
  readonly epoch: number;
  readonly sequence: number;
  /** When it came, plant time. */
  readonly heardAtMs: number;
  readonly expiresAtMs: number;
  readonly status: GridStatus;
};

export type TargetsState = {
  readonly fromGrid: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly expiresAtMs: number;
  readonly body: IslandTargets;
};

export const NO_LEADERSHIP: LeadershipState = {
  leader: "",
  inSyncCount: 0,
  origin: "none",
  sinceMs: 0,
  commandsFromMs: 0,
  isRead: false,
  carriedUntilMs: 0,
  carried: [],
};
