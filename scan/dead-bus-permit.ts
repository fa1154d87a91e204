import type { Clock } from "../kernel/ports/clock.ts";
import type { Coordinator } from "../kernel/ports/coordinator.ts";
import type { LeadershipRecord, Member } from "../kernel/record.ts";

/** A permit is good for its holder so long from the sending of the transaction that was applied (plant-safety rule 6). */
export const PERMIT_MS = 8000;
/** It is renewed when so much of it has passed. */
const RENEW_MS = PERMIT_MS / 2;
const READ_AGAIN_MS = 200;
/** Frames that must have left after the holder said that it needs the permit no more, before others may have it. */
const RELEASE_FRAME_COUNT = 3;

export interface DeadBusPermitOptions {
  /** Key of the permit, one for all grids that ties could join. */
  readonly key: string;
  readonly grid: string;
  readonly self: Member;
  readonly clock: Clock;
  readonly coordinator: Coordinator;
  /** Deadline of one call, ms. */
  readonly callMs: number;
  readonly clockDivergenceMs: number;
  /** @param untilMs - Monotonic time of this node until which this grid holds the permit; 0 where it holds none. */
  readonly tell: (untilMs: number, text: string) => void;
}

/**
 * The permit to close onto a dead busbar, as the leader of a grid keeps it: a record in the coordinator that names the grid and
 * changes by compare-and-set alone. Its holder counts from sending; another grid takes it only when it is free, or after it has
 * seen the record unchanged for 1.1 times as long and the clocks' divergence. A successor in the leadership of the same grid may
 * use it at once: only one of them has authority.
 */
export interface DeadBusPermit {
  /** Called with every frame whose outputs left, while this controller has authority. */
  want(isWanted: boolean): void;
  /** This controller no longer leads: nothing is released, its successor may need it. */
  forget(): void;
}

interface Seen {
  readonly revision: number;
  readonly record: LeadershipRecord | null;
  /** First seen with this revision. */
  readonly sinceMs: number;
}

export function createDeadBusPermit(options: DeadBusPermitOptions): DeadBusPermit {
  const { key, grid, self, clock, coordinator, callMs, tell } = options;
  const waitMs = PERMIT_MS * 1.1 + options.clockDivergenceMs;
  let seen: Seen | null = null;
  let heldUntilMs = 0;
  let isBusy = false;
  let notBeforeMs = 0;
  let unwantedFrameCount = RELEASE_FRAME_COUNT;
  let nonceCount = 0;
  /** Grows when what is under way no longer counts. */
  let generation = 0;

  const holderOf = (record: LeadershipRecord | null) => record?.order[0] ?? "";

  function note(revision: number, record: LeadershipRecord | null): Seen {
    const isSame = seen?.revision === revision;
    seen = { revision, record, sinceMs: isSame ? (seen?.sinceMs ?? 0) : clock.monotonicMs() };
    return seen;
  }

  function read(): void {
    const asked = generation;
    isBusy = true;
    coordinator.read(key, callMs, (outcome) => {
      isBusy = false;
      if (asked !== generation) return;
      if (outcome.type === "read") note(outcome.revision, outcome.record);
      else {
        notBeforeMs = clock.monotonicMs() + READ_AGAIN_MS;
        if (heldUntilMs <= clock.monotonicMs()) tell(0, `no answer: ${outcome.reason}`);
      }
    });
  }

  function write(from: Seen, order: readonly string[], done: (sentAtMs: number) => void): void {
    const asked = generation;
    const sentAtMs = clock.monotonicMs();
    nonceCount += 1;
    const record: LeadershipRecord = {
      epoch: (from.record?.epoch ?? 0) + 1,
      leader: self,
      inSync: [self],
      order,
      nonce: `${self.incarnation}:${nonceCount}`,
      plantTimeMsMax: 0,
      issuedSequence: 0,
    };
    const { revision } = from;
    const expectedNonce = from.record?.nonce ?? null;
    isBusy = true;
    const request = { grid: key, expectedRevision: revision, expectedNonce, record };
    coordinator.transact(request, callMs, (outcome) => {
      isBusy = false;
      if (asked !== generation) return;
      if (outcome.type === "applied") {
        note(outcome.revision, record);
        done(sentAtMs);
      } else if (outcome.type === "refused") note(outcome.revision, outcome.record);
      else {
        // Applied or not: a read shows it, and what was applied late is moved by the next write before anything rests on it.
        seen = null;
        notBeforeMs = clock.monotonicMs() + READ_AGAIN_MS;
      }
    });
  }

  function claim(nowMs: number): void {
    if (seen === null) return read();
    const holder = holderOf(seen.record);
    const isOthers = holder !== "" && holder !== grid;
    if (isOthers && nowMs < seen.sinceMs + waitMs) {
      tell(0, `${holder} holds it`);
      notBeforeMs = nowMs + READ_AGAIN_MS;
      return read();
    }
    write(seen, [grid], (sentAtMs) => {
      heldUntilMs = sentAtMs + PERMIT_MS;
      if (unwantedFrameCount === 0) tell(heldUntilMs, "held");
    });
  }

  return {
    want(isWanted) {
      const nowMs = clock.monotonicMs();
      if (!isWanted) {
        if (unwantedFrameCount === 0) tell(0, "");
        unwantedFrameCount = Math.min(RELEASE_FRAME_COUNT, unwantedFrameCount + 1);
        if (heldUntilMs === 0 || isBusy || seen === null) return;
        if (unwantedFrameCount < RELEASE_FRAME_COUNT) return;
        heldUntilMs = 0;
        if (holderOf(seen.record) === grid) write(seen, [], () => {});
        return;
      }
      if (unwantedFrameCount > 0) {
        // The frames between said that it is not needed: whether it is still ours must be asked again.
        unwantedFrameCount = 0;
        heldUntilMs = 0;
        seen = null;
        notBeforeMs = 0;
      }
      if (isBusy || nowMs < notBeforeMs) return;
      if (heldUntilMs > 0 && nowMs < heldUntilMs - PERMIT_MS + RENEW_MS) return;
      claim(nowMs);
    },
    forget() {
      generation += 1;
      isBusy = false;
      seen = null;
      heldUntilMs = 0;
      unwantedFrameCount = RELEASE_FRAME_COUNT;
    },
  };
}
