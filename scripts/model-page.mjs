// Puts the figures of a whole run of `npm run model` into the documentation: what was searched, and what each rule's removal gives.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fail, root } from "./prepare.mjs";

const PAGE = join(root, "docs", "07-resilience", "proof.md");
const BEGIN = "<!-- figures begin -->";
const END = "<!-- figures end -->";
/** As `failover.pml` has them where a run does not say. */
const DEFAULTS = { N: 2, REVISIONS: 3, DIVERGENCE: 2, LEASE: 2 };

const table = (head, rows) =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`);
const boundsOf = (defines) => {
  const { N, REVISIONS, DIVERGENCE, LEASE } = { ...DEFAULTS, ...defines };
  return [N, REVISIONS, DIVERGENCE, LEASE];
};

/** What a search leaves out or bounds besides, by its `#define`s. */
const BESIDES = {
  NO_FRAME: () => "authority alone: no frame is watched",
  NO_RESTART_WAIT: () => "a restarted controller does not wait for promises of its earlier life",
  CRASHING: (set) => `of the controllers only ${namesOf(set)} may crash`,
};
const namesOf = (set) =>
  [0, 1, 2]
    .filter((i) => (set & (1 << i)) !== 0)
    .map((i) => `n${i}`)
    .join(", ");
const besides = (defines) =>
  Object.entries(defines)
    .flatMap(([name, value]) => (name in BESIDES ? [BESIDES[name](value)] : []))
    .join("; ");

/** @param rows - Of `verify`, all of them as expected. */
export function writeModelPage(rows) {
  const held = rows.filter(({ expected }) => expected === "holds");
  const removed = rows.filter(({ expected }) => expected === "violated");
  const minutes = rows.reduce((sum, { seconds }) => sum + seconds, 0) / 60;
  const text = [
    BEGIN,
    `\`npm run model -- ${process.argv.slice(2).join(" ")}\`, ${new Date().toISOString().slice(0, 10)}, ${minutes.toFixed(0)} minutes of processor time`,
    "",
    ...table(
      [
        "model",
        "controllers",
        "revisions",
        "ticks apart",
        "lease",
        "states, all searched",
        "seconds",
        "memory",
        "besides",
      ],
      held.map(({ model, defines, stateCount, seconds, memoryMb }) => [
        model,
        ...boundsOf(defines),
        stateCount.toLocaleString("en"),
        seconds.toFixed(0),
        `${Math.ceil(memoryMb)} MB`,
        besides(defines),
      ]),
    ),
    "",
    ...table(
      ["model", "controllers", "taken away", "what is wrong then", "steps"],
      removed.map(({ model, defines, rule, what, violationDepth }) => [
        model,
        boundsOf(defines)[0],
        `\`${rule}\``,
        what,
        violationDepth,
      ]),
    ),
    "",
    END,
  ].join("\n");
  const page = readFileSync(PAGE, "utf8");
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from < 0 || to < from) fail(`${PAGE} has no marks "${BEGIN}" and "${END}"`);
  writeFileSync(PAGE, page.slice(0, from) + text + page.slice(to + END.length));
}
