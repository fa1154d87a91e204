import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { expect, it, onTestFinished } from "vitest";
import { openLogDestination } from "./log-destination.ts";

const until = async (what: string, isSo: () => boolean) => {
  for (let i = 0; i < 1000; i++) {
    if (isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect.fail(`${what} did not happen within 10 s`);
};

// /dev/full takes no byte: every write ends with "no space left on device".
it.runIf(process.platform === "linux")(
  "loses lines on a full disk, not the process, and goes on when there is room again",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "r-ems-log-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, "log");
    symlinkSync("/dev/full", path);
    const open = async () => pino.destination({ dest: path, sync: false });
    const destination = openLogDestination([open], 50);
    let count = 0;
    const write = () => destination.write(`{"level":30,"msg":"line ${++count}"}\n`);
    // An error that nobody hears would end this test run.
    for (let i = 0; i < 30; i++) {
      write();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    rmSync(path);
    await until("a line on the disk that has room", () => {
      write();
      try {
        return readFileSync(path, "utf8").includes('"line ');
      } catch {
        return false;
      }
    });
    expect(readFileSync(path, "utf8")).toContain("log lines were lost");
  },
);
