import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { LogFile } from "./incident.ts";

/** Of one node's log files in one incident. */
const LOG_BYTES_MAX = 4 * 1024 * 1024;
const FILE_BYTES_MAX = 256 * 1024 * 1024;

/**
 * Lines of a node's log files (JSON lines with `time`) that were written between two wall times, the newest 4 MiB of them. Files that
 * cannot be read are passed over: a log explains, it proves nothing.
 */
export function readLogs(node: string, directory: string, fromMs: number, toMs: number): LogFile[] {
  const files: LogFile[] = [];
  let room = LOG_BYTES_MAX;
  for (const name of namesOf(directory).reverse()) {
    const path = join(directory, name);
    const text = linesBetween(path, fromMs, toMs).slice(-room);
    room -= text.length;
    if (text !== "") files.unshift({ node, name, text });
    if (room <= 0) break;
  }
  return files;
}

function namesOf(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}

const TIME = /"time":"?([^",}]+)"?/;

function linesBetween(path: string, fromMs: number, toMs: number): string {
  let text: string;
  try {
    const { size, mtimeMs } = statSync(path);
    if (size > FILE_BYTES_MAX || mtimeMs < fromMs) return "";
    text = readFileSync(path, "utf8");
  } catch {
    return "";
  }
  return text
    .split("\n")
    .filter((line) => {
      const time = TIME.exec(line)?.[1];
      if (time === undefined) return false;
      const atMs = /^\d+$/.test(time) ? Number(time) : Date.parse(time);
      return atMs >= fromMs && atMs <= toMs;
    })
    .map((line) => `${line}\n`)
    .join("");
}
