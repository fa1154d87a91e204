import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type JournalEntry, scanEntries } from "../../history/journal-entry.ts";

/** The segments of a node's journal as they stand on disk, oldest first; a torn end is left out as recovery would. */
export function readJournal(dataDirectory: string): JournalEntry[] {
  const folder = join(dataDirectory, "journal");
  const names = readdirSync(folder).filter((name) => name.endsWith(".rems"));
  return names.sort().flatMap((name) => scanEntries(readFileSync(join(folder, name))).entries);
}

/** A line beside the frames. */
export interface Note {
  readonly kind: string;
  readonly text: string;
}

export function notesOf(entries: readonly JournalEntry[]): Note[] {
  return entries
    .filter(({ kind }) => kind === "note")
    .map((entry) => {
      const text = entry.text.toString("utf8");
      const end = text.indexOf("\n");
      return { kind: text.slice(0, end), text: text.slice(end + 1) };
    });
}
