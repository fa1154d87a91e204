import type { GridState } from "../../actors/grid/grid-state.ts";
import type { PlannedGridCore } from "../../actors/grid/grid-core.ts";
import { encodeCanonical } from "../../kernel/canonical.ts";
import type { CoreOutputs, GridCore } from "../../kernel/core.ts";
import type { Frame } from "../../kernel/frame.ts";

interface Done {
  readonly before: GridState;
  readonly next: { readonly state: GridState; readonly outputs: CoreOutputs };
}

/**
 * One grid's core for all replicas of a world: what one has computed for a frame the others take, where they stand at the same
 * state. It costs a world of three replicas the processor time of one. A replica whose state differs computes for itself and is
 * reported: a divergence. A struck run is the very run that it is compared with until the strike: so far it takes that one's steps.
 */
export class SharedCore implements GridCore<unknown> {
  readonly coreVersion: string;
  readonly manifestHash: string;
  /** State after the newest frame that anybody built. */
  latest: GridState;
  /** The first place at which two replicas' states differed, or null. */
  divergence: string | null = null;
  readonly #core: PlannedGridCore;
  readonly #initial: GridState;
  readonly #done = new Map<string, Done>();
  readonly #onStep: (frame: Frame, outputs: CoreOutputs) => void;
  /** The same grid's core in a run that is the same so far. */
  #earlier: SharedCore | null;

  constructor(
    core: PlannedGridCore,
    earlier: SharedCore | null,
    onStep: (frame: Frame, outputs: CoreOutputs) => void,
  ) {
    this.#core = core;
    this.#earlier = earlier;
    this.coreVersion = core.coreVersion;
    this.manifestHash = core.manifestHash;
    this.#initial = earlier?.initial() ?? core.initial();
    this.latest = this.#initial;
    this.#onStep = onStep;
  }

  initial(): GridState {
    return this.#initial;
  }

  step(state: unknown, frame: Frame): Done["next"] {
    const before = state as GridState;
    const place = `${frame.epoch}:${frame.sequence}:${frame.previousHash}`;
    const done = this.#done.get(place);
    if (done !== undefined) {
      if (done.before === before || this.#isSame(done.before, before)) return done.next;
      this.divergence ??= `states before ${place} differ`;
      return this.#core.step(before, frame);
    }
    const next = this.#earlier?.nextAt(place, before) ?? this.#core.step(before, frame);
    this.#done.set(place, { before, next });
    const isNewest =
      frame.epoch > this.latest.epoch ||
      (frame.epoch === this.latest.epoch && frame.sequence > this.latest.sequence);
    if (isNewest) {
      this.latest = next.state;
      this.#onStep(frame, next.outputs);
    }
    return next;
  }

  /** From here on the runs are not the same any more. */
  part(): void {
    this.#earlier = null;
  }

  /** What was computed for the frame at that place from this very state, or null. */
  nextAt(place: string, before: GridState): Done["next"] | null {
    const done = this.#done.get(place);
    return done?.before === before ? done.next : null;
  }

  #isSame(a: GridState, b: GridState): boolean {
    return encodeCanonical(a) === encodeCanonical(b);
  }
}
