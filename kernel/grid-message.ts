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
  /** Grids that closed ties of the sender join to it. Absent in messages of builds that did not tell. */
  readonly joinedGrids?: readonly string[];
  /** What this grid could shed, by stage 0 to 3, kW. Absent in messages of builds that did not tell. */
  readonly sheddableKw?: readonly number[];
  /** The same, each by itself, in the order of the manifest. Absent in messages of builds that did not tell. */
  readonly sheddables?: readonly SheddableStatus[];
  /** Its busbar has been proved dead and is being brought back. This and what follows: absent in messages of builds that did not tell. */
  readonly isDark?: boolean;
  /** The tie over which it asks to be fed: it holds the permit, and wants the far breaker closed; "" where it asks for nothing. */
  readonly feedTie?: string;
  /** What it would draw first, kW. */
  readonly feedKw?: number;
  /** What its operating mode wants of the island. Absent in messages of builds that did not tell. */
  readonly wants?: GridWants;
}

/** What the operating mode of one grid wants, wherever the sets of its island stand. */
export interface GridWants {
  /** Name of the mode, or "" where none is in force. */
  readonly mode: string;
  /** Sets of this grid that stay connected whatever the load. */
  readonly setCountMin: number;
  /** Spinning reserve of the island, kW. */
  readonly reserveKw: number;
  /** The loss of any source of the island must be carried. */
  readonly isN1Required: boolean;
  /** Shore carries this grid's load on purpose: N-1 rests, and no set is wanted for the mode. */
  readonly isOnShore: boolean;
}

/** Load of a grid that may be taken off for the sake of its island. */
export interface SheddableStatus {
  readonly device: string;
  /** 0 to 3: lower goes first. */
  readonly stage: number;
  /** Within a stage: lower goes first. */
  readonly priority: number;
  /** What goes when it is shed, kW. */
  readonly powerKw: number;
  /** It goes as a whole, also where only a part is needed: a feeder. */
  readonly isWhole: boolean;
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
  /** Of a heavy consumer: how long its request stands. */
  readonly runningForMs: number;
  /** Power that a source takes at once beyond what it gives, kW; null: not limited. This and what follows: absent in old messages. */
  readonly stepKw?: number | null;
  readonly runningHoursH?: number;
  readonly fuelGPerKwh?: number;
  readonly reactiveKvar?: number;
  readonly apparentKva?: number;
  /** Gives a base load and takes no part in sharing. */
  readonly isBaseLoad?: boolean;
  /** Of a heavy consumer: higher first. */
  readonly priority?: number;
  /** Of a heavy consumer: its feedback says that it runs. */
  readonly isRunning?: boolean;
  /** It forms the busbar, whatever its state is called. Absent, or null, in old messages: then its kind and state tell. */
  readonly isForming?: boolean | null;
  /** Of a battery that is connected and forms the busbar on purpose, without machines; null for any other source. */
  readonly zeroEmission?: ZeroEmissionStatus | null;
  /** Of a set that shares load: the least that it is to keep, kW ≥ 0. Base loads give way to it. */
  readonly minimumKw?: number;
  /** Of a shore connection: the base load that it is to give, kW; null where none is held, and for any other source. */
  readonly referenceKw?: number | null;
}

/** What the island's master needs to know of a battery in zero emission besides its power. */
export interface ZeroEmissionStatus {
  readonly dischargeLimitKw: number;
  readonly socPct: number;
  /** A set is called below this charge, or above this part of the limit. */
  readonly startSocPct: number;
  readonly startPct: number;
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
  /** Where sharing is asymmetric: load of every sharing set but `swingDevice`, which takes `sharePu`, per unit. */
  readonly fixedPu?: number | null;
  readonly swingDevice?: string | null;
  /** Share of rated apparent power, per unit. */
  readonly reactiveSharePu?: number | null;
  /** Where sharing is asymmetric: kvar for each kW, the same for every set. */
  readonly reactivePerActive?: number | null;
  /** References of sets on load rest: droop alone shares active power, as operators want it. */
  readonly isResting?: boolean;
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
