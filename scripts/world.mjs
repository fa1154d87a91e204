// `npm run world`: prepares, then runs seeds of the deterministic world.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { prepare, root } from "./prepare.mjs";

prepare();
await import(pathToFileURL(join(root, "dist", "sim", "world", "main.js")).href);
