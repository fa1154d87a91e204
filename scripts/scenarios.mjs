// `npm run scenarios`: prepares, then runs the library of scenarios.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { prepare, root } from "./prepare.mjs";

prepare();
await import(pathToFileURL(join(root, "dist", "sim", "scenarios", "main.js")).href);
