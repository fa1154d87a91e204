import { runCli } from "./cli.ts";
import { processTerminal } from "./terminal.ts";

const ending = new AbortController();
process.once("SIGINT", () => ending.abort());
process.once("SIGTERM", () => ending.abort());
// A reader like `head` that has seen enough is no error.
process.stdout.on("error", () => process.exit(0));
process.exitCode = await runCli(process.argv.slice(2), processTerminal(), ending.signal);
