import { statfsSync } from "node:fs";
import type { StoreCause } from "../../history/store/store-messages.ts";

/** What is known of a node's storage. */
export interface StorageState {
  /** Why the journal cannot be written; empty while it can. */
  readonly journalReason: string;
  readonly storeCause: StoreCause | null;
  readonly areServersLost: boolean;
  /** Nothing more fits on the disk, whatever the error said. */
  readonly isDiskFull: boolean;
}

/** A server is not a node's own: others miss it too. */
export const SERVER_FACT = "historyServer.isLost";

/** One true fact per cause: a disk that is full fails journal and history alike, and is named as what it is. */
export function storageFacts(state: StorageState): readonly (readonly [string, boolean])[] {
  const { journalReason, storeCause, areServersLost } = state;
  const isJournalFailed = journalReason !== "";
  const isFull =
    storeCause === "full" ||
    /ENOSPC|no space left/i.test(journalReason) ||
    (state.isDiskFull && (isJournalFailed || storeCause !== null));
  return [
    ["disk.isFull", isFull],
    ["journal.isFailed", isJournalFailed && !isFull],
    ["history.isFailed", storeCause !== null && !isFull],
    [SERVER_FACT, areServersLost],
  ];
}

export interface StorageFacts {
  journal(reason: string): void;
  store(cause: StoreCause | null): void;
  servers(areLost: boolean): void;
  /** Says everything, also what is well: a node that comes back clears what it said before. */
  tell(): void;
}

const FREE_BYTES_MIN = 64 * 1024;

/** @param setFact - Called with every fact after each change. */
export function createStorageFacts(
  directory: string,
  setFact: (fact: string, isTrue: boolean) => void,
): StorageFacts {
  let state: StorageState = {
    journalReason: "",
    storeCause: null,
    areServersLost: false,
    isDiskFull: false,
  };
  const tell = (): void => {
    state = { ...state, isDiskFull: isFull(directory) };
    for (const [fact, isTrue] of storageFacts(state)) setFact(fact, isTrue);
  };
  const change = (changes: Partial<StorageState>): void => {
    state = { ...state, ...changes };
    tell();
  };
  return {
    journal: (journalReason) => change({ journalReason }),
    store: (storeCause) => change({ storeCause }),
    servers: (areServersLost) => change({ areServersLost }),
    tell,
  };
}

function isFull(directory: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize < FREE_BYTES_MIN;
  } catch {
    // A directory that is gone is not full.
    return false;
  }
}
