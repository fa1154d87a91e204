import type { OperatorRequest } from "../kernel/command.ts";
import type { FactSample } from "../kernel/frame.ts";
import type { GridMessage } from "../kernel/grid-message.ts";

/** Operators' requests taken into one frame. */
export const REQUESTS_PER_SCAN_MAX = 16;
const REQUESTS_WAITING_MAX = 64;

/** Inputs of the next frame that do not come from devices. Bounded; what is superseded is replaced. */
export interface Inbox {
  /** False where too many requests wait. */
  addRequest(request: OperatorRequest): boolean;
  /** Refuses (false) a message whose epoch is below the last heard from that grid. */
  addMessage(message: GridMessage): boolean;
  setFact(fact: string, value: FactSample[1]): void;
  take(): {
    readonly requests: readonly OperatorRequest[];
    readonly messages: readonly GridMessage[];
    readonly facts: readonly FactSample[];
  };
  /** Forgets what was last said under names that `isForgotten` holds for: others have led since. */
  forgetFacts(isForgotten: (fact: string) => boolean): void;
  /** All facts, for the first frame of an epoch. */
  resendFacts(): void;
  /** Requests that wait, when this controller no longer leads. */
  clearRequests(): readonly OperatorRequest[];
}

export function createInbox(): Inbox {
  let requests: OperatorRequest[] = [];
  /** Newest message of each kind from each grid. */
  const messages = new Map<string, GridMessage>();
  const epochByGrid = new Map<string, number>();
  const facts = new Map<string, FactSample[1]>();
  const changedFacts = new Set<string>();

  return {
    addRequest(request) {
      if (requests.length >= REQUESTS_WAITING_MAX) return false;
      requests.push(request);
      return true;
    },
    addMessage(message) {
      if (message.epoch < (epochByGrid.get(message.fromGrid) ?? 0)) return false;
      epochByGrid.set(message.fromGrid, message.epoch);
      messages.set(`${message.fromGrid}/${message.body.kind}`, message);
      return true;
    },
    setFact(fact, value) {
      if (facts.get(fact) === value) return;
      facts.set(fact, value);
      changedFacts.add(fact);
    },
    take() {
      const taken = requests.slice(0, REQUESTS_PER_SCAN_MAX);
      requests = requests.slice(REQUESTS_PER_SCAN_MAX);
      const heard = [...messages.values()];
      messages.clear();
      const changed = [...changedFacts]
        .sort()
        .map((fact): FactSample => [fact, facts.get(fact) ?? false]);
      changedFacts.clear();
      return { requests: taken, messages: heard, facts: changed };
    },
    forgetFacts(isForgotten) {
      for (const fact of facts.keys()) {
        if (!isForgotten(fact)) continue;
        facts.delete(fact);
        changedFacts.delete(fact);
      }
    },
    resendFacts() {
      for (const fact of facts.keys()) changedFacts.add(fact);
    },
    clearRequests() {
      const waiting = requests;
      requests = [];
      return waiting;
    },
  };
}
