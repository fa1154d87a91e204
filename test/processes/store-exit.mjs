import { join } from "node:path";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { startStore } from "../../dist/history/store/store.js";

// Opens the history's database in the folder given and ends so many milliseconds later with code 2, as a daemon does that must not go
// on: `node store-exit.mjs DIRECTORY MS`.
const [directory = "", afterMs = "0"] = process.argv.slice(2);
const store = await startStore(
  {
    path: join(directory, "history.db"),
    journalDirectory: join(directory, "journal"),
    grids: [{ id: "port", metered: [] }],
    deadBands: [],
    retention: {
      rawDays: 1,
      secondsDays: 1,
      minutesDays: 1,
      quartersDays: 1,
      recordsDays: 1,
      sizeBytesMax: 1e9,
    },
    servers: [],
  },
  { onHealthChanged: () => {}, onServersChanged: () => {}, onRestarted: () => {} },
);
await setTimeout(Number(afterMs));
store.closeNow();
process.exit(2);
