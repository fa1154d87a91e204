import { expect, it } from "vitest";
import { storageFacts, type StorageState } from "./storage-facts.ts";

const WELL: StorageState = {
  journalReason: "",
  storeCause: null,
  areServersLost: false,
  isDiskFull: false,
};

it.each<[name: string, state: Partial<StorageState>, facts: string[]]>([
  ["nothing is wrong", {}, []],
  [
    "a full disk is one cause, not two",
    { journalReason: "ENOSPC: no space left on device", storeCause: "full" },
    ["disk.isFull"],
  ],
  ["it is named by whoever meets it first", { storeCause: "full" }, ["disk.isFull"]],
  [
    "also where the error says something else",
    { storeCause: "failed", isDiskFull: true },
    ["disk.isFull"],
  ],
  ["a disk that is full and harms nobody yet is no fact", { isDiskFull: true }, []],
  ["a journal that fails otherwise", { journalReason: "EIO" }, ["journal.isFailed"]],
  ["a damaged database", { storeCause: "corrupt" }, ["history.isFailed"]],
  [
    "two causes are two facts",
    { storeCause: "corrupt", areServersLost: true },
    ["history.isFailed", "historyServer.isLost"],
  ],
])("%s", (_name, changes, facts) => {
  const found = storageFacts({ ...WELL, ...changes });
  expect(found.filter(([, isTrue]) => isTrue).map(([fact]) => fact)).toEqual(facts);
  expect(found).toHaveLength(4);
});
