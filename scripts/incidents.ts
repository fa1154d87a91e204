// The recorded incidents that are kept with the source: re-runs them, accepts what changed on purpose, takes in new ones.
//   npm run incidents                              re-runs all, says what differs, exits 1 if anything does
//   npm run incidents -- --accept --reason TEXT    records anew what differs, and why, in test/incidents/CHANGES.md
//   npm run incidents -- --add FILE                takes an exported incident in, without its logs
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { verdictText } from "../apps/r-emsctl/incident/replay-text.ts";
import { encodeIncident, readIncident } from "../history/incident.ts";
import { acceptChanges, keptIncidents, verdictsOf } from "../test/incidents/library.ts";

const terminal = {
  out: (text: string) => void process.stdout.write(`${text}\n`),
  error: (text: string) => void process.stderr.write(`${text}\n`),
  hasColours: false,
};

function add(path: string): void {
  const incident = readIncident(readFileSync(path));
  const beginsAnew = incident.grids.every(({ bases }) => !bases.has(0));
  if (!beginsAnew) {
    throw new Error(
      "a kept incident begins with its grids' first frames (export --from start of a new installation): a state of an old build may not fit a new one",
    );
  }
  const grids = incident.grids.map((recording) => ({ ...recording, notes: [] }));
  const bytes = encodeIncident({ ...incident, logs: [], remarks: [], grids }, { isSmallest: true });
  const target = join(import.meta.dirname, "..", "test", "incidents", basename(path));
  writeFileSync(target, bytes);
  terminal.out(`${target}: ${bytes.length} bytes`);
}

function check(): { kept: ReturnType<typeof keptIncidents>[number]; lines: string[] }[] {
  const changed = [];
  for (const kept of keptIncidents()) {
    const verdicts = verdictsOf(kept.incident);
    const texts = verdicts.map(({ verdict, core }) => verdictText(terminal, verdict, core));
    terminal.out(`${kept.name}\n${texts.join("\n")}`);
    const lines = verdicts.flatMap(({ verdict }, i) =>
      verdict.isEqual
        ? []
        : (texts[i] ?? "").split("\n").filter((line) => !line.includes("real time")),
    );
    if (lines.length > 0) changed.push({ kept, lines });
  }
  return changed;
}

const { values } = parseArgs({
  options: {
    accept: { type: "boolean", default: false },
    reason: { type: "string" },
    add: { type: "string" },
  },
});
if (values.add !== undefined) add(values.add);
else {
  const changed = check();
  const reason = values.reason ?? "";
  if (changed.length === 0) terminal.out("all as recorded");
  else if (!values.accept) {
    terminal.error(
      'Behaviour differs from the recordings. If that is what you want: npm run incidents -- --accept --reason "why"',
    );
    process.exitCode = 1;
  } else if (reason.length < 10) {
    terminal.error("--accept needs --reason: a sentence that says why behaviour changes");
    process.exitCode = 2;
  } else {
    acceptChanges(changed, reason, new Date().toISOString().slice(0, 10));
    terminal.out(`${changed.length} recorded anew; commit them with test/incidents/CHANGES.md`);
  }
}
