// A process that writes a journal as fast as it may and says what is synced, until it is killed: `tsx journal-writer.ts DIRECTORY`.
import { openJournal } from "../../history/journal.ts";
import { encodeFrame } from "../../kernel/frame.ts";
import { HASH_NONE } from "../../kernel/hash.ts";
import type { LogPosition } from "../../kernel/record.ts";

const SNAPSHOT_FRAMES = 100;

const directory = process.argv[2] ?? "";
const { journal, recovered } = await openJournal({
  directory,
  grids: ["port"],
  segmentBytesMax: 64 * 1024,
});
const log = recovered.get("port");
let last: LogPosition | null = log?.last ?? null;
process.stdout.write(`recovered ${last?.sequence ?? 0} ${log?.cutByteCount ?? 0}\n`);
journal.onSynced((_grid, position) => process.stdout.write(`synced ${position.sequence}\n`));
setInterval(() => {
  for (let i = 0; i < 5; i++) {
    const sequence = (last?.sequence ?? 0) + 1;
    const encoded = encodeFrame({
      grid: "port",
      epoch: 1,
      sequence,
      previousHash: last?.hash ?? HASH_NONE,
      plantTimeMs: sequence * 100,
      wallTimeMs: 1_700_000_000_000 + sequence * 100,
      isFirstOfEpoch: sequence === 1,
      points: [["dg1.activePowerKw", sequence, "good"]],
      connections: [],
      fates: [],
      requests: [],
      messages: [],
      facts: [],
      leadership: null,
    });
    last = encoded.position;
    journal.appendFrame(encoded);
    if (sequence % SNAPSHOT_FRAMES === 0) {
      journal.appendSnapshot({
        grid: "port",
        position: last,
        plantTimeMs: sequence * 100,
        coreVersion: "1",
        manifestHash: "m",
        state: JSON.stringify({ sequence }),
      });
    }
  }
}, 2);
