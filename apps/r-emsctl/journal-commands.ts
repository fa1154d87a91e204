import { writeMergedJournal } from "../../history/journal-copy.ts";
import { gridsInJournals, mergeJournals, type MergedJournal } from "../../history/journal-merge.ts";
import { openJournalSource, type JournalSource } from "../../history/journal-places.ts";
import { RemsError } from "../../kernel/errors.ts";
import { type CommandContext, isJson } from "./command-context.ts";
import { paint, table, type Terminal } from "./terminal.ts";

const SHOW_PROGRESS_MS = 1000;

/** `r-emsctl journal …`: reads journals on disk, of running nodes or of copies; no node is asked. */
export function addJournalCommands(context: CommandContext): void {
  const { program, terminal } = context;
  const journal = program
    .command("journal")
    .description("journals on disk: what they hold, and both controllers' as one record");

  journal
    .command("check <directories...>")
    .description("what journals hold together, grid by grid: first and last frame, gaps, damage")
    .option("--grid <id>", "only this grid")
    .addHelpText("after", "\nExample: r-emsctl journal check /var/lib/r-ems/n1 /mnt/copy-of-n2")
    .action((directories: string[], { grid }: { grid?: string }) => {
      const sources = directories.map(openJournalSource);
      const grids = grid === undefined ? gridsInJournals(sources) : [grid];
      const merged = grids.map((id) => mergeWithProgress(terminal, sources, id));
      report(terminal, isJson(context), merged);
    });

  journal
    .command("merge <directories...>")
    .description("the journals of a grid's controllers as one record, without what was void")
    .requiredOption("--grid <id>", "grid (switchboard section) to merge")
    .requiredOption("-o, --output <directory>", "new directory for the merged journal")
    .addHelpText(
      "after",
      "\nExample: r-emsctl journal merge --grid port -o merged /var/lib/r-ems/n1 /mnt/copy-of-n2",
    )
    .action((directories: string[], { grid, output }: { grid: string; output: string }) => {
      const sources = directories.map(openJournalSource);
      const merged = mergeWithProgress(terminal, sources, grid);
      if (merged.frames.length === 0) {
        throw new RemsError(
          "REMS_NOT_FOUND",
          `these journals hold no frame of a grid "${grid}"; they hold ${gridsInJournals(sources).join(", ") || "nothing"}`,
        );
      }
      const tell = progress(terminal);
      writeMergedJournal(merged, output, (count) =>
        tell(`writing: ${count} of ${merged.frames.length} frames`),
      );
      report(terminal, isJson(context), [merged]);
    });
}

function mergeWithProgress(
  terminal: Terminal,
  sources: readonly JournalSource[],
  grid: string,
): MergedJournal {
  const tell = progress(terminal);
  return mergeJournals(sources, grid, (done, total) =>
    tell(`reading ${grid}: ${Math.round((100 * done) / Math.max(1, total))} %`),
  );
}

/** A line to standard error, at most one a second, and none for what is done within the first. */
function progress(terminal: Terminal): (text: string) => void {
  let nextMs = performance.now() + SHOW_PROGRESS_MS;
  return (text) => {
    if (performance.now() < nextMs) return;
    nextMs = performance.now() + SHOW_PROGRESS_MS;
    terminal.error(text);
  };
}

function report(terminal: Terminal, json: boolean, journals: readonly MergedJournal[]): void {
  if (json) {
    for (const { grid, frames, gaps, snapshots, voidFrameCount, damagedByteCount } of journals) {
      const [first, last] = [frames[0], frames.at(-1)];
      const ends = {
        first: first?.position ?? null,
        last: last?.position ?? null,
        fromWallTimeMs: first?.wallTimeMs ?? null,
        toWallTimeMs: last?.wallTimeMs ?? null,
      };
      const counts = { frameCount: frames.length, snapshotCount: snapshots.length };
      const rest = { voidFrameCount, damagedByteCount, gaps };
      terminal.out(JSON.stringify({ grid, ...counts, ...ends, ...rest }));
    }
    return;
  }
  const rows = [["GRID", "FRAMES", "EPOCHS", "FROM", "TO", "GAPS", "VOID", "DAMAGED BYTES"]];
  for (const { grid, frames, gaps, voidFrameCount, damagedByteCount } of journals) {
    const [first, last] = [frames[0], frames.at(-1)];
    rows.push([
      grid,
      String(frames.length),
      `${first?.position.epoch ?? "-"} to ${last?.position.epoch ?? "-"}`,
      timeText(first?.wallTimeMs),
      timeText(last?.wallTimeMs),
      gaps.length === 0 ? "none" : paint(terminal, "yellow", String(gaps.length)),
      String(voidFrameCount),
      String(damagedByteCount),
    ]);
  }
  terminal.out(table(rows));
  for (const { grid, gaps } of journals) {
    for (const { after, before } of gaps) {
      const from = after === null ? "the beginning" : `${after.epoch}:${after.sequence}`;
      const text = `${grid}: no journal has the frames between ${from} and ${before.epoch}:${before.sequence}`;
      terminal.out(paint(terminal, "yellow", text));
    }
  }
}

function timeText(wallTimeMs: number | undefined): string {
  return wallTimeMs === undefined ? "-" : new Date(wallTimeMs).toISOString();
}
