import type { DeviceProfile } from "../../configs/profile.ts";
import { assert } from "../../kernel/assert.ts";
import type { FoundLayout, LayoutFinder, RegisterNeed, RegisterReply } from "./layout-finder.ts";

/** A device that cannot be used is asked again so often: somebody may have put the right one there. */
const RETRY_MS = 10_000;

/** Where one device keeps what, as far as it was asked. No I/O, no clock. */
export class DeviceLayout {
  readonly #profile: DeviceProfile;
  readonly #finder: LayoutFinder;
  #run: ReturnType<LayoutFinder> | null = null;
  #need: RegisterNeed | null = null;
  #found: FoundLayout | null = null;
  /** Guesses to which the device said nothing; the connection may have been reset meanwhile. */
  readonly #silent = new Set<number>();
  retryAtMs = -Infinity;

  constructor(profile: DeviceProfile, finder: LayoutFinder) {
    this.#profile = profile;
    this.#finder = finder;
  }

  get isFound(): boolean {
    return this.#found !== null;
  }

  /** What the device lacks, for people; "" where nothing. */
  get lacks(): string {
    return this.#found?.missing.join(", ") ?? "";
  }

  /** Begins anew: what was found does not hold any more. */
  restart(): void {
    this.#run = null;
    this.#need = null;
    this.#found = null;
    this.retryAtMs = -Infinity;
  }

  /** What to read next. */
  need(): RegisterNeed {
    if (this.#need !== null) return this.#need;
    this.#run = this.#finder(this.#profile);
    let step = this.#run.next();
    while (step.done !== true && step.value.isGuess && this.#silent.has(step.value.address)) {
      step = this.#run.next(null);
    }
    if (step.done === true) {
      this.#silent.clear();
      this.#run = this.#finder(this.#profile);
      step = this.#run.next();
    }
    assert(step.done !== true, "a layout is not found without reading");
    this.#need = step.value;
    return this.#need;
  }

  /** What was found cannot be used after all. */
  reject(nowMs: number): void {
    this.#found = null;
    this.retryAtMs = nowMs + RETRY_MS;
  }

  /** The device said nothing to the guess; the next one follows, also over a new connection. */
  unanswered(nowMs: number): FoundLayout | string | null {
    if (this.#need !== null) this.#silent.add(this.#need.address);
    return this.answered(null, nowMs);
  }

  /** Takes what came of it. @returns The layout once it is found, the reason once there is none, null while more must be read. */
  answered(words: RegisterReply, nowMs: number): FoundLayout | string | null {
    // A reply of before a restart.
    if (this.#run === null) return null;
    const step = this.#run.next(words);
    if (step.done !== true) {
      this.#need = step.value;
      return null;
    }
    this.#run = null;
    this.#need = null;
    if (typeof step.value === "string") this.retryAtMs = nowMs + RETRY_MS;
    else this.#found = step.value;
    return step.value;
  }
}
