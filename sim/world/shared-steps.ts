import type { GridCore } from "../../kernel/core.ts";
import type { Frame } from "../../kernel/frame.ts";

/** Replicas lag one another by less than so many frames, one that catches up or was restored included. */
const KEPT_FRAME_COUNT = 256;

type Next = ReturnType<GridCore<unknown>["step"]>;

interface Done {
  readonly before: unknown;
  readonly next: Next;
  /** The state after it as a text; null until it is compared. */
  digest: string | null;
}

/**
 * Steps of one grid's core that its replicas share: where one stands at the very state that another stood at, it takes over what that one
 * computed. At frames that are compared each computes for itself; so does one that was restored, whose state is another object: they
 * share again where the states after it are equal. It saves a world of three replicas most of the steps of two. A run without it gives
 * the same trace.
 */
export class SharedSteps {
  readonly #core: GridCore<unknown>;
  readonly #done = new Map<string, Done>();

  constructor(core: GridCore<unknown>) {
    this.#core = core;
  }

  /** @param digestOf - Shows a state after this frame to the referee and gives it as a text. */
  step(
    state: unknown,
    frame: Frame,
    isCompared: boolean,
    digestOf: (state: unknown) => string,
  ): Next {
    const place = `${frame.epoch}:${frame.sequence}:${frame.previousHash}`;
    const done = this.#done.get(place);
    if (done !== undefined && done.before === state && !isCompared) return done.next;
    const next = this.#core.step(state, frame);
    if (done !== undefined) {
      done.digest ??= digestOf(done.next.state);
      return digestOf(next.state) === done.digest ? done.next : next;
    }
    this.#done.set(place, {
      before: state,
      next,
      digest: isCompared ? digestOf(next.state) : null,
    });
    const [oldest] = this.#done.keys();
    if (this.#done.size > KEPT_FRAME_COUNT && oldest !== undefined) this.#done.delete(oldest);
    return next;
  }
}
