import type { RequestReply } from "../kernel/command.ts";
import type { CoreOutputs, GridCore } from "../kernel/core.ts";
import type { EncodedFrame } from "../kernel/frame.ts";
import type { GridMessage } from "../kernel/grid-message.ts";
import type { PeerMessage } from "../kernel/peer-message.ts";
import type { Clock } from "../kernel/ports/clock.ts";
import type { Coordinator } from "../kernel/ports/coordinator.ts";
import type { AuthorityGate, DeviceIo } from "../kernel/ports/device-io.ts";
import type { Journal, RecoveredLog } from "../kernel/ports/journal.ts";
import type { LogPosition } from "../kernel/record.ts";
import type { ControllerOptions } from "../cluster/core/controller.ts";
import type { ControllerAlarm, Role } from "../cluster/core/effects.ts";
import type { LoopStep } from "./loop-trace.ts";

/** What the loop tells whoever watches: views, metrics, rings to the workers. None of it may block or throw. */
export interface LoopObserver {
  frame(encoded: EncodedFrame, outputs: CoreOutputs, isLeading: boolean): void;
  /** The replica was replaced: watchers that keep one of their own take this. */
  snapshot(text: string, position: LogPosition | null): void;
  role(from: Role, to: Role, reason: string): void;
  alarm(code: ControllerAlarm, isActive: boolean, text: string): void;
  reply(reply: RequestReply & { readonly code: string | null }): void;
  /** Scans that came late, by how much, and how many were left out. */
  scan(latenessMs: number, missedCount: number): void;
  restart(reason: string): void;
  /** Steps of failovers, where somebody measures. */
  readonly trace?: ((nowMs: number, step: LoopStep) => void) | undefined;
}

/** What a control loop is made of and stands on. */
export interface ControlLoopOptions<State> {
  readonly controller: ControllerOptions;
  readonly core: GridCore<State>;
  readonly recovered: RecoveredLog;
  readonly incarnation: string;
  readonly clock: Clock;
  /** How long this computer has slept so far: its monotonic clock stood still. Asked before every event and every write. */
  readonly sleptMs: () => number;
  readonly coordinator: Coordinator;
  /** Sends to one node; messages of this grid only. */
  readonly send: (toNode: string, message: PeerMessage) => boolean;
  /** Sends a message between grids to whoever leads the other one. */
  readonly sendToGrid: (message: GridMessage) => void;
  /** Built with the loop's gate; the loop is its only user. */
  readonly createDevices: (gate: AuthorityGate, plantTimeMs: () => number) => DeviceIo;
  readonly journal: Journal;
  /** Key of the permit to close onto a dead busbar: one for all grids that ties could join. */
  readonly permitKey: string;
  readonly observer: LoopObserver;
  /** Offset of the scans within `scanMs`, so that the grids of a node do not scan at once. */
  readonly phaseMs: number;
  /** `hashOf` of the kernel by a faster library, where there is one: it takes most of the time of a frame's encoding. */
  readonly hash?: (text: string) => string;
}
