import type { NodeConfig } from "../../configs/manifest.ts";
import type { Child, ChildExit } from "./child-program.ts";
import { startChild } from "./child-program.ts";
import type { NodeState, NodeView } from "./installation-view.ts";
import type { NodeStatus, OperatorClient } from "./operator-client.ts";
import { openOperatorClient } from "./operator-client.ts";

export interface NodeProcessOptions {
  readonly config: NodeConfig;
  readonly program: string;
  /** Options of Node itself. */
  readonly nodeArgs: readonly string[];
  readonly args: readonly string[];
  readonly directory: string;
  /** Beside the launcher's own. */
  readonly environment: Readonly<Record<string, string>>;
  readonly onState: (state: NodeState, text: string) => void;
}

/** One node of the installation: its process through all its lives, and its operator service. */
export interface NodeProcess {
  readonly id: string;
  readonly operator: OperatorClient;
  view(): NodeView;
  start(): void;
  /** `SIGKILL`: nothing in it gets to say goodbye. */
  kill(): void;
  /** Freezes or continues the process. False where the system cannot. */
  setPaused(isPaused: boolean): boolean;
  /** Asks its operator service, at most one call at a time. */
  poll(): void;
  stop(limitMs: number): Promise<void>;
}

/** An answer older than this says nothing about now. */
const STATUS_AGE_MS_MAX = 1500;

export function createNodeProcess(options: NodeProcessOptions): NodeProcess {
  const { id, host, operatorPort } = options.config;
  const operator = openOperatorClient(`${host}:${operatorPort}`);
  let child: Child | null = null;
  let state: NodeState = "down";
  let isEndWanted = false;
  /** Asked for while the last life has not quite ended: on a busy machine that takes a moment. */
  let isStartWanted = false;
  let isPolling = false;
  let status: NodeStatus | null = null;
  let statusAtMs = 0;

  const become = (next: NodeState, text: string) => {
    state = next;
    if (next !== "up") status = null;
    options.onState(next, text);
  };

  const onExit = ({ code, signal, tail }: ChildExit) => {
    child = null;
    if (isEndWanted) {
      become("down", "down");
      if (isStartWanted) start();
      return;
    }
    const how = signal === null ? `exit code ${code ?? "unknown"}` : `signal ${signal}`;
    become("ended", `ended by itself, ${how}${tail === "" ? "" : `: ${tail}`}`);
  };

  function start(): void {
    if (child !== null) {
      isStartWanted = isEndWanted;
      return;
    }
    isEndWanted = false;
    isStartWanted = false;
    child = startChild({
      program: options.program,
      nodeArgs: options.nodeArgs,
      args: options.args,
      directory: options.directory,
      environment: options.environment,
      onErrorLine(line) {
        if (line === "ready" && state === "starting") become("up", "ready");
      },
      onExit,
    });
    become("starting", `started, pid ${child.pid}`);
  }

  async function ask(): Promise<void> {
    isPolling = true;
    try {
      const answer = await operator.status();
      if (state !== "up") return;
      status = answer;
      statusAtMs = performance.now();
    } catch {
      return; // what it does not answer grows old
    } finally {
      isPolling = false;
    }
  }

  return {
    id,
    operator,
    view: () => ({
      id,
      state,
      pid: child?.pid ?? 0,
      status: performance.now() - statusAtMs < STATUS_AGE_MS_MAX ? status : null,
    }),
    start,
    kill() {
      isEndWanted = true;
      child?.signal("SIGKILL");
      if (child !== null) state = "down";
      status = null;
    },
    setPaused(isPaused) {
      if (child === null || !child.signal(isPaused ? "SIGSTOP" : "SIGCONT")) return false;
      become(isPaused ? "paused" : "up", isPaused ? "paused" : "goes on");
      return true;
    },
    poll() {
      if (state === "up" && !isPolling) void ask();
    },
    async stop(limitMs) {
      isEndWanted = true;
      isStartWanted = false;
      operator.close();
      if (child === null) return;
      if (state === "paused") child.signal("SIGCONT");
      await child.stop(limitMs);
    },
  };
}
