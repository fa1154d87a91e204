import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { LineReader } from "../../sim/simulator/line-reader.ts";

export interface ChildOptions {
  /** Compiled program to run with this Node. */
  readonly program: string;
  /** Options of Node itself, beside those that every program of ours gets. */
  readonly nodeArgs?: readonly string[];
  readonly args: readonly string[];
  readonly directory: string;
  /** Beside the launcher's own. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly onLine?: (line: string) => void;
  readonly onErrorLine?: (line: string) => void;
  readonly onExit: (exit: ChildExit) => void;
}

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Last lines of its stderr. */
  readonly tail: string;
}

/** A program of ours that ends when its standard input ends: so it also ends when the launcher does, however that happens. */
export interface Child {
  readonly pid: number;
  readonly isAlive: boolean;
  send(message: object): void;
  /** False where the system has no such signal or the process is gone. */
  signal(signal: NodeJS.Signals): boolean;
  /** Orderly end, by force after `limitMs`. Resolves once it is gone. */
  stop(limitMs: number): Promise<void>;
}

const TAIL_LINE_COUNT = 12;
/**
 * As `bin/r-emsd` has it. V8's defaults let the young generation of every thread grow to 32 MB before it is looked through, and the
 * old one to a multiple of what is alive. And they hand parts of a collection to helper threads, for which the control thread then
 * waits, and which have not its priority: `npm run bench:collection` shows.
 * With `gc` at hand the worker threads collect their garbage themselves (`history/worker-heap.ts`).
 */
export const NODE_FLAGS = [
  "--max-semi-space-size=2",
  "--heap-growing-percent=15",
  "--optimize-for-size",
  "--single-threaded-gc",
  "--expose-gc",
];
/**
 * glibc keeps up to eight arenas for each core, and each thread's freed memory in its own: some 20 MB for a daemon. And once a large
 * buffer was freed it takes the next ones from an arena too, which then never shrinks.
 */
export const NODE_ENVIRONMENT = { MALLOC_ARENA_MAX: "2", MALLOC_MMAP_THRESHOLD_: "131072" };

export function startChild(options: ChildOptions): Child {
  const child: ChildProcess = spawn(
    process.execPath,
    [...NODE_FLAGS, ...(options.nodeArgs ?? []), options.program, ...options.args],
    {
      cwd: options.directory,
      env: { ...process.env, ...NODE_ENVIRONMENT, ...options.environment },
      stdio: ["pipe", "pipe", "pipe"],
      // Ctrl-C goes to the whole group of the terminal: only the launcher acts on it, and ends its children in order.
      detached: process.platform !== "win32",
      windowsHide: true,
    },
  );
  const tail: string[] = [];
  let isAlive = true;
  const lines = new LineReader((line) => options.onLine?.(line));
  const errorLines = new LineReader((line) => {
    tail.push(line);
    if (tail.length > TAIL_LINE_COUNT) tail.shift();
    options.onErrorLine?.(line);
  });
  child.stdout?.on("data", (chunk: Buffer) => lines.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => errorLines.push(chunk));
  child.stdin?.on("error", () => {});
  const gone = new Promise<void>((resolve) => {
    const end = (code: number | null, signal: NodeJS.Signals | null) => {
      if (!isAlive) return;
      isAlive = false;
      options.onExit({ code, signal, tail: tail.join("\n") });
      resolve();
    };
    // After its pipes are read to the end, so that the tail is whole.
    child.on("close", end);
    child.on("error", (error) => {
      tail.push(error.message);
      end(null, null);
    });
  });

  const kill = (signal: NodeJS.Signals): boolean => {
    try {
      return isAlive && child.kill(signal);
    } catch {
      return false; // the system does not know the signal
    }
  };
  return {
    get pid() {
      return child.pid ?? 0;
    },
    get isAlive() {
      return isAlive;
    },
    send(message) {
      if (isAlive) child.stdin?.write(`${JSON.stringify(message)}\n`);
    },
    signal: kill,
    async stop(limitMs) {
      child.stdin?.end();
      // Windows has no SIGTERM: there the end of its input alone tells the program.
      if (process.platform !== "win32") kill("SIGTERM");
      const timer = setTimeout(() => kill("SIGKILL"), limitMs);
      await gone;
      clearTimeout(timer);
    },
  };
}
