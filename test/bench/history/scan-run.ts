// One run: scans on absolute deadlines on the main thread, with or without journal and history. Writes its lateness as JSON.
//   node --import tsx scan-run.ts <off|journal|on> <seconds> <directory> <seed>
import { join } from "node:path";
import { setPriority } from "node:os";
import { openJournal } from "../../../history/journal.ts";
import { startStore } from "../../../history/store/store.ts";
import { ringBytesFor } from "../../../kernel/ring.ts";
import { createScanLoad, DEVICE_COUNT } from "./scan-load.ts";

const SCAN_MS = 100;
const WARM_UP_SCANS = 30;
const SNAPSHOT_SCANS = 600;

const [mode = "on", seconds = "10", directory = "", seed = "1"] = process.argv.slice(2);
const scanCount = (Number(seconds) * 1000) / SCAN_MS;

const ringBytes = ringBytesFor(DEVICE_COUNT);
const opened = mode === "off" ? null : await openJournal({ directory, grids: ["site"], ringBytes });
const store =
  mode === "on"
    ? await startStore(
        {
          path: join(directory, "history", "history.db"),
          journalDirectory: join(directory, "journal"),
          grids: [{ id: "site", metered: [] }],
          deadBands: [],
          retention: {
            rawDays: 7,
            secondsDays: 31,
            minutesDays: 400,
            quartersDays: 3650,
            recordsDays: 3650,
            sizeBytesMax: 4e9,
          },
          servers: [],
        },
        { onHealthChanged: () => {}, onServersChanged: () => {}, onRestarted: () => {} },
      )
    : null;
try {
  // As the daemon does, after its workers have started.
  setPriority(-15);
} catch {
  // An ordinary user's scan takes its turn.
}
const nextFrame = createScanLoad(Number(seed));
const latenessMs: number[] = [];
const workMs: number[] = [];
let dueMs = performance.now() + SCAN_MS;

function scan(): void {
  const startMs = performance.now();
  const encoded = nextFrame();
  opened?.journal.appendFrame(encoded);
  if (encoded.position.sequence % SNAPSHOT_SCANS === 1) {
    opened?.journal.appendSnapshot({
      grid: "site",
      position: encoded.position,
      plantTimeMs: encoded.frame.plantTimeMs,
      coreVersion: "bench",
      manifestHash: "bench",
      state: JSON.stringify({ core: {}, points: [], connections: [] }),
    });
  }
  if (encoded.position.sequence > WARM_UP_SCANS) {
    latenessMs.push(Math.max(0, startMs - dueMs));
    workMs.push(performance.now() - startMs);
  }
  dueMs += SCAN_MS;
  if (latenessMs.length < scanCount) setTimeout(scan, Math.max(0, dueMs - performance.now()));
  else void finish();
}

async function finish(): Promise<void> {
  await store?.close();
  await opened?.journal.close();
  process.stdout.write(`${JSON.stringify({ mode, latenessMs, workMs })}\n`);
  process.exit(0);
}
setTimeout(scan, SCAN_MS);
