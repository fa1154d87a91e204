import { assert } from "../kernel/assert.ts";
import { RELEASED_EPOCH_FACT } from "../kernel/core.ts";
import type { EncodedFrame, LeadershipOrigin } from "../kernel/frame.ts";
import { encodeFrame } from "../kernel/frame.ts";
import { HASH_NONE } from "../kernel/hash.ts";
import type { DeviceIo } from "../kernel/ports/device-io.ts";
import type { Member } from "../kernel/record.ts";
import type { ControllerState } from "../cluster/core/controller.ts";
import {
  inSyncOf,
  mayBuildFrame,
  releasedCommandSequence,
  releasedLevelSequence,
} from "../cluster/core/queries.ts";
import type { DeadBusPermit } from "./dead-bus-permit.ts";
import { createDeadBusPermit } from "./dead-bus-permit.ts";
import { takeDeviceInputs } from "./device-inputs.ts";
import type { Inbox } from "./inbox.ts";
import type { ControlLoopOptions } from "./loop-options.ts";
import type { LoopStep } from "./loop-trace.ts";
import { createOutputGate } from "./output-gate.ts";
import type { ReplicatedLog } from "./replicated-log.ts";

const PERMIT_UNTIL_FACT = "deadBusPermit.untilMs";
const PERMIT_TEXT_FACT = "deadBusPermit.text";
const PERMIT_FACTS: readonly string[] = [PERMIT_UNTIL_FACT, PERMIT_TEXT_FACT];

/** What the leadership of one epoch uses of the loop that it is part of. */
export interface LeadershipContext<State> {
  readonly options: ControlLoopOptions<State>;
  readonly log: ReplicatedLog<State>;
  readonly inbox: Inbox;
  readonly devices: DeviceIo;
  readonly controller: () => ControllerState;
  readonly hasAuthority: () => boolean;
  readonly trace: (step: LoopStep) => void;
  /** A frame stands in the log, and the core has advanced by it. */
  readonly onFrameBuilt: (encoded: EncodedFrame, nowMs: number) => void;
  /** The devices were given back, and what became of that is in a frame. */
  readonly onReleased: () => void;
}

/** What a controller does while it leads: builds frames, and lets their outputs go once they are acknowledged. */
export interface Leadership {
  /** Epoch that this controller leads, null while it does not. */
  epoch(): number | null;
  begin(epoch: number, origin: LeadershipOrigin, plantTimeMsMin: number): void;
  /** Forgets what waits. */
  end(): void;
  /** The next frame says who is in sync. */
  announceMembers(): void;
  /** One frame, where the failover rules allow one now. */
  buildFrame(): void;
  /** Performs the outputs of frames that every member has acknowledged. */
  releaseOutputs(): void;
  /** This controller stops and nobody follows: the next frame says so, and the core gives the devices back in it. */
  beginRelease(): void;
  /** Once what gives the devices back has gone to them and was answered, its fate goes into one more frame. */
  endRelease(): void;
}

interface Leading {
  readonly epoch: number;
  readonly origin: LeadershipOrigin;
  readonly plantTimeMsMin: number;
  scanCount: number;
}

export function createLeadership<State>(context: LeadershipContext<State>): Leadership {
  return new GridLeadership(context);
}

class GridLeadership<State> implements Leadership {
  readonly #context: LeadershipContext<State>;
  readonly #self: Member;
  readonly #outputs = createOutputGate();
  readonly #permit: DeadBusPermit;
  #leading: Leading | null = null;
  #isMembersNews = false;
  /** The devices are being given back, in this frame once it is built. */
  #release: { sequence: number | null; isSettling: boolean } | null = null;

  constructor(context: LeadershipContext<State>) {
    this.#context = context;
    const { options } = context;
    this.#self = { node: options.controller.self, incarnation: options.incarnation };
    this.#permit = createDeadBusPermit({
      key: options.permitKey,
      grid: options.controller.grid,
      self: this.#self,
      clock: options.clock,
      coordinator: options.coordinator,
      callMs: options.controller.timings.coordinatorMs,
      clockDivergenceMs: options.controller.timings.clockDivergenceMs,
      tell: (untilMs, text) => this.#tellPermit(untilMs, text),
    });
  }

  epoch(): number | null {
    return this.#leading?.epoch ?? null;
  }

  begin(epoch: number, origin: LeadershipOrigin, plantTimeMsMin: number): void {
    assert(this.#leading === null, "a controller starts to lead once");
    this.#leading = { epoch, origin, plantTimeMsMin, scanCount: 0 };
    this.#isMembersNews = true;
    this.#outputs.clear();
  }

  end(): void {
    this.#leading = null;
    this.#outputs.clear();
    this.#permit.forget();
    // What was told of the permit is in the frames. In a later leadership of this controller it would be told once more, and be old.
    this.#context.inbox.forgetFacts((fact) => PERMIT_FACTS.includes(fact));
  }

  announceMembers(): void {
    this.#isMembersNews = true;
  }

  // --- frames ---

  buildFrame(): void {
    const leading = this.#leading;
    const { options, log, inbox, devices, controller, trace, onFrameBuilt } = this.#context;
    if (leading === null || !mayBuildFrame(controller())) return;
    const nowMs = options.clock.monotonicMs();
    leading.scanCount++;
    const last = log.frames.last();
    const image = log.replica.image();
    const changes = takeDeviceInputs(devices, image, leading.origin, leading.scanCount);
    const inputs = inbox.take();
    const frame = {
      grid: options.controller.grid,
      epoch: leading.epoch,
      sequence: (last?.sequence ?? 0) + 1,
      previousHash: last?.hash ?? HASH_NONE,
      plantTimeMs: log.plantTimeMs(nowMs, leading.plantTimeMsMin),
      wallTimeMs: Math.floor(options.clock.wallMs()),
      isFirstOfEpoch: leading.scanCount === 1,
      ...changes,
      ...inputs,
      requests: [...this.#openingRequests(leading), ...inputs.requests],
      leadership: this.#takeLeadership(leading.origin),
    };
    const encoded = encodeFrame(frame, options.hash);
    log.append(encoded, nowMs);
    const outputs = log.apply(encoded);
    this.#outputs.add(encoded.position.sequence, outputs);
    options.observer.frame(encoded, outputs, true);
    if (leading.scanCount === 1) trace({ step: "firstFrame", ...encoded.position });
    if (this.#release !== null) this.#release.sequence ??= encoded.position.sequence;
    onFrameBuilt(encoded, nowMs);
  }

  #openingRequests({ scanCount, epoch, origin }: Leading) {
    if (scanCount > 1) return [];
    const { options, log } = this.#context;
    const opening = options.core.opening?.(log.replica.state(), epoch, origin) ?? [];
    return [...opening, ...log.takeDecisions()];
  }

  #takeLeadership(origin: LeadershipOrigin) {
    if (!this.#isMembersNews) return null;
    this.#isMembersNews = false;
    return { leader: this.#self, inSync: inSyncOf(this.#context.controller()), origin };
  }

  // --- outputs ---

  releaseOutputs(): void {
    if (this.#leading === null || this.#outputs.isEmpty()) return;
    const { options, log, devices, controller, hasAuthority, trace } = this.#context;
    if (!hasAuthority()) return;
    const released = this.#outputs.release(
      releasedLevelSequence(controller()),
      releasedCommandSequence(controller()),
    );
    if (released.levels !== null) {
      const position = log.frames.at(released.levels.sequence)?.position;
      if (position !== undefined) trace({ step: "released", ...position });
      devices.writeLevels(released.levels.levels, released.levels.sequence);
    }
    if (released.isDeadBusPermitWanted !== null) this.#permit.want(released.isDeadBusPermitWanted);
    for (const command of released.commands) devices.execute(command);
    for (const message of released.messages) options.sendToGrid(message);
    for (const reply of released.replies)
      options.observer.reply({ ...reply, code: reply.isAccepted ? null : "REMS_REQUEST_REFUSED" });
  }

  /** The core decides by plant time; the permit counts by this node's clock. */
  #tellPermit(untilMs: number, text: string): void {
    const { options, log, inbox } = this.#context;
    const nowMs = options.clock.monotonicMs();
    const lastsMs = Math.max(0, Math.floor(untilMs - nowMs));
    const until = untilMs === 0 ? 0 : log.plantTimeMs(nowMs) + lastsMs;
    inbox.setFact(PERMIT_UNTIL_FACT, until);
    inbox.setFact(PERMIT_TEXT_FACT, text);
  }

  beginRelease(): void {
    if (this.#leading === null) return;
    this.#context.inbox.setFact(RELEASED_EPOCH_FACT, this.#leading.epoch);
    this.#release = { sequence: null, isSettling: false };
  }

  endRelease(): void {
    const release = this.#release;
    if (release === null || release.sequence === null || release.isSettling) return;
    const { devices, controller, onReleased } = this.#context;
    if (this.#leading === null || releasedCommandSequence(controller()) < release.sequence) return;
    release.isSettling = true;
    devices.settleWrites(() => {
      this.buildFrame();
      onReleased();
    });
  }
}
