import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { RemsError } from "../../kernel/errors.ts";
import { LineReader } from "../../sim/simulator/line-reader.ts";

type Signal = "SIGTERM" | "SIGINT" | "SIGKILL" | "SIGSTOP" | "SIGCONT";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const LINE_COUNT_MAX = 20_000;
const TAIL_LINE_COUNT = 20;
const TAIL_LINE_LENGTH = 300;

/** Path of a file of the project. */
export const inProject = (path: string): string => `${ROOT}${path}`;

/** How a program ended. */
export interface Exit {
  readonly code: number | null;
  /** Name of the signal that ended it. */
  readonly signal: string | null;
}

/** A process that a test started, with all that it wrote. */
export class Program {
  readonly name: string;
  readonly child: ChildProcess;
  /** Lines of standard output and of standard error so far. */
  readonly out: string[] = [];
  readonly err: string[] = [];
  /** Settles once the process is gone and its output is read to the end. */
  readonly exited: Promise<Exit>;
  #exit: Exit | null = null;

  constructor(name: string, program: string, args: readonly string[], environment = {}) {
    this.name = name;
    this.child = spawn(program, args, {
      cwd: ROOT,
      env: { ...process.env, ...environment },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const keep = (lines: string[]) =>
      new LineReader((line) => {
        lines.push(line);
        if (lines.length > LINE_COUNT_MAX) lines.shift();
      });
    const [out, err] = [keep(this.out), keep(this.err)];
    this.child.stdout?.on("data", (chunk: Buffer) => out.push(chunk));
    this.child.stderr?.on("data", (chunk: Buffer) => err.push(chunk));
    this.child.stdin?.on("error", () => {});
    this.exited = new Promise((resolve) => {
      const end = (code: number | null, signal: string | null) => {
        this.#exit = { code, signal };
        resolve(this.#exit);
      };
      this.child.once("close", end);
      this.child.once("error", (error) => {
        this.err.push(error.message);
        end(null, null);
      });
    });
  }

  get isAlive(): boolean {
    return this.#exit === null;
  }

  signal(signal: Signal): void {
    this.child.kill(signal);
  }

  /** Ends it with `signal`. @returns How it ended and how long that took. */
  async end(signal: Signal, withinMs = 10_000): Promise<Exit & { readonly tookMs: number }> {
    const startedMs = performance.now();
    this.signal(signal);
    const exit = await this.untilExit(withinMs);
    return { ...exit, tookMs: performance.now() - startedMs };
  }

  /** @throws RemsError `REMS_TIMEOUT` with the last lines of its output. */
  async untilExit(withinMs: number): Promise<Exit> {
    await this.until("its end", () => !this.isAlive, withinMs);
    return this.exited;
  }

  /**
   * Waits for something that this program brings about.
   * @throws RemsError `REMS_TIMEOUT` with the last lines of its output; at once if the program ends meanwhile.
   */
  async until(what: string, isSo: () => boolean, withinMs = 15_000): Promise<void> {
    const deadlineMs = performance.now() + withinMs;
    while (!isSo()) {
      if (performance.now() > deadlineMs || !this.isAlive) {
        const why = this.isAlive ? `within ${withinMs} ms` : "before it ended";
        throw new RemsError("REMS_TIMEOUT", `${this.name}: no ${what} ${why}\n${this.tail()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Last lines of both outputs, for people. */
  tail(): string {
    const cut = (lines: readonly string[]) =>
      lines.slice(-TAIL_LINE_COUNT).map((line) => `    ${line.slice(0, TAIL_LINE_LENGTH)}`);
    const out = this.out.filter((line) => !line.startsWith('{"type":"plant"'));
    return [`  ${this.name}, standard output:`, ...cut(out)]
      .concat(`  ${this.name}, standard error:`, cut(this.err))
      .join("\n");
  }
}
