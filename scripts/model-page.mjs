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

/** @param rows - Of `verify`, all of them as expected. */
export function writeModelPage(rows, seconds) {
  const held = rows.filter(({ expected }) => expected === "holds");
  const removed = rows.filter(({ expected }) => expected === "violated");
  const text = [
    BEGIN,
    `\`npm run model -- --full --write-page\`, ${new Date().toISOString().slice(0, 10)}, ${(seconds / 60).toFixed(0)} min`,
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
      held.map(({ model, defines, stateCount, seconds: own, memoryMb, what }) => [
        model,
        ...boundsOf(defines),
        stateCount.toLocaleString("en"),
        own.toFixed(0),
        `${Math.ceil(memoryMb)} MB`,
        what ?? "",
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
