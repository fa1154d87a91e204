// Writes the table of functions and scenarios into docs/11-simulation/scenarios.md.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { coverageTable, loadFunctions, withCoverage } from "../sim/scenarios/coverage.ts";
import { loadScenarios } from "../sim/scenarios/scenario-file.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const path = join(root, "docs", "11-simulation", "scenarios.md");
const table = coverageTable(loadFunctions(), loadScenarios());
writeFileSync(path, withCoverage(readFileSync(path, "utf8"), table));
