import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { RemsError } from "../../kernel/errors.ts";
import type { ReplayProcessMessage } from "./replay-process.ts";

const HEAP_MIB_MAX = 512;
const OPEN_MS_MAX = 60_000;
/** A replay that nobody looks at any more is closed. */
const IDLE_MS_MAX = 10 * 60_000;

/** The replay that a node's web pages look at: one at a time, in a process of its own, whose memory is given back. */
export interface ReplayDesk {
  /**
   * Opens a recording; one that is open is closed.
   * @throws {@link RemsError} `REMS_INCIDENT_INVALID` with what is wrong with it.
   */
  open(path: string): Promise<void>;
  /** Where the open replay answers; null where none is. Asking counts as looking at it. */
  port(): number | null;
  close(): void;
}

export function createReplayDesk(): ReplayDesk {
  let child: ChildProcess | null = null;
  let port: number | null = null;
  let idle: NodeJS.Timeout | undefined;
  const close = (): void => {
    clearTimeout(idle);
    child?.kill();
    child = null;
    port = null;
  };
  const stay = (): void => {
    clearTimeout(idle);
    idle = setTimeout(close, IDLE_MS_MAX);
    idle.unref();
  };
  return {
    async open(path) {
      close();
      const opened = start();
      child = opened;
      const answer = await answerOf(opened, path);
      if (child !== opened) throw new RemsError("REMS_REQUEST_REFUSED", "another one was opened");
      if (answer.type === "failed") {
        close();
        throw new RemsError("REMS_INCIDENT_INVALID", answer.text.replace(/ \[REMS_\w+\]$/, ""));
      }
      port = answer.port;
      opened.once("close", () => {
        if (child === opened) close();
      });
      stay();
    },
    port() {
      if (port !== null) stay();
      return port;
    },
    close,
  };
}

function start(): ChildProcess {
  const isSource = import.meta.url.endsWith(".ts");
  const program = new URL(`./replay-process.${isSource ? "ts" : "js"}`, import.meta.url);
  return fork(fileURLToPath(program), [], {
    execArgv: [
      `--max-old-space-size=${HEAP_MIB_MAX}`,
      ...(isSource ? ["--import", import.meta.resolve("tsx")] : []),
    ],
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
}

function answerOf(child: ChildProcess, path: string): Promise<ReplayProcessMessage> {
  return new Promise((resolve) => {
    const fail = (text: string): void => resolve({ type: "failed", text });
    const timer = setTimeout(() => {
      fail(`it took longer than ${OPEN_MS_MAX / 1000} s`);
      child.kill("SIGKILL");
    }, OPEN_MS_MAX);
    child.once("message", (answer: ReplayProcessMessage) => {
      clearTimeout(timer);
      resolve(answer);
    });
    child.once("error", (error: Error) => fail(error.message));
    child.once("close", () => {
      clearTimeout(timer);
      fail("its process ended");
    });
    child.send(path);
  });
}
