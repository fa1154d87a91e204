import { QUICK, serveDevice } from "./devices.ts";

/** Devices in a process of their own. Arguments: how many, illegal register (−1: none). Prints their ports; ends with its standard input. */
const [count = "1", illegal = "-1"] = process.argv.slice(2);
const served = await Promise.all(
  Array.from({ length: Number(count) }, () => serveDevice({ ...QUICK, illegal: Number(illegal) })),
);
process.stdout.write(`${JSON.stringify(served.map(({ port }) => port))}\n`);
process.stdin.on("end", () => process.exit(0)).resume();
