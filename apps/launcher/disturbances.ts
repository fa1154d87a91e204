import type { NodeProcess } from "./node-process.ts";

/** A disk of a node that can be made full. */
export interface SmallDisk {
  setFull(node: NodeProcess, isFull: boolean): Promise<void>;
}

/** A wall clock of a node that can be set. */
export interface SettableClock {
  step(node: string, stepMs: number): void;
}

/** What whoever started the installation has prepared to disturb it with; null where that was not done. */
export interface Disturbances {
  readonly disk: SmallDisk | null;
  readonly clock: SettableClock | null;
}

export const NO_DISTURBANCES: Disturbances = { disk: null, clock: null };
