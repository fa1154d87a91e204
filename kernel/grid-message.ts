/** What one grid tells the other members of a possible island, every fifth scan while a tie could join them. */
export interface GridStatus {
  readonly kind: "gridStatus";
  /** Rated power of connected sources that may be counted on, kW. */
  readonly capacityKw: number;
  /** Power that flows from this grid's sources, kW. */
  readonly generationKw: number;
  /** Power that this grid's consumers draw, kW. */
  readonly loadKw: number;
  readonly frequencyHz: number;
  /** Sources that could still be started, in this grid's order of start. */
  readonly readySources: readonly string[];
  /** False while a source or breaker of this grid is unknown. */
  readonly isSettled: boolean;
  /**
   * Gensets in this grid's order of start, then its other sources in the order of the manifest, then the heavy consumers that
   * wait for power or have it (`kind` `thruster`, `availableKw` their demand), first come first.
   */
  readonly sources: readonly SourceStatus[];
}

export interface SourceStatus {
  readonly device: string;
  readonly kind: string;
  readonly state: string;
  /** Its breaker is closed for certain. One that is unknown has `state` `unknown`. */
  readonly isConnected: boolean;
  readonly ratedKw: number;
  readonly powerKw: number;
  /** Power that may be counted on within a second: rating or, for a battery, limit and usable energy. */
  readonly availableKw: number;
  readonly runningForMs: number;
}

/** What the island's master asks of the leader of a member grid. */
export interface IslandTargets {
  readonly kind: "islandTargets";
  /** Share of rating that every equally sharing source takes, 0…1.1. */
  readonly sharePu: number;
  /** Device of the receiving grid to start or stop, or null. To start a heavy consumer is to grant its request. */
  readonly startDevice: string | null;
  readonly stopDevice: string | null;
  readonly reason: string;
}

/** Messages between leaders. Expiries are durations, never instants: each grid has its own plant time. */
export interface GridMessage {
  readonly fromGrid: string;
  readonly toGrid: string;
  /** Epoch of the sender's leadership; a lower one than the last heard is refused. */
  readonly epoch: number;
  readonly sequence: number;
  /** The receiver forgets the message so long after it came. */
  readonly validForMs: number;
  readonly body: GridStatus | IslandTargets;
}
