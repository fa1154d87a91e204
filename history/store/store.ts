import { MessageChannel, type MessagePort, type Worker } from "node:worker_threads";
import { RemsError } from "../../kernel/errors.ts";
import { startWorker } from "../start-worker.ts";
import type {
  StoreCause,
  StoreWorkerCommand,
  StoreWorkerData,
  StoreWorkerMessage,
  StoreWorkerStart,
} from "./store-messages.ts";

export interface StoreHandle {
  /** A way to ask the store, for the API worker; hand it over with a transfer. */
  connect(): MessagePort;
  close(): Promise<void>;
  /**
   * Closes and blocks the calling thread until it is done, half a second at most: for a process that ends at once. One that ended while
   * the worker is in the database's native code would be aborted by it.
   */
  closeNow(): void;
}

export interface StoreObserver {
  /** Null cause: good. */
  readonly onHealthChanged: (cause: StoreCause | null, reason: string) => void;
  /** Which servers do not answer, and why; null where all do. */
  readonly onServersChanged: (lost: string | null) => void;
  /** Connections must be made again. */
  readonly onRestarted: () => void;
}

const RESTART_MS = 1000;
const CLOSE_MS_MAX = 3000;
const CLOSE_NOW_MS_MAX = 500;

/**
 * Starts the store's worker. It needs nothing from the control thread: it reads what the history worker has written. A worker that
 * dies is started again; whoever asked gets no answer and asks anew over a new connection.
 * @throws {@link RemsError} `REMS_HISTORY_FAILED` if the worker does not start at all.
 */
export async function startStore(
  data: StoreWorkerData,
  { onHealthChanged, onServersChanged, onRestarted }: StoreObserver,
): Promise<StoreHandle> {
  let isServing = false;
  let worker: Worker;
  const given: StoreWorkerStart = { ...data, closed: new Int32Array(new SharedArrayBuffer(4)) };
  const tell = (command: StoreWorkerCommand, transfer: readonly MessagePort[] = []): void =>
    worker.postMessage(command, transfer);

  const start = (): Promise<void> =>
    new Promise((resolve, reject) => {
      let reason = "it ended";
      worker = startWorker(import.meta.url, "store-worker", given);
      worker.on("message", (message: StoreWorkerMessage) => {
        if (message.type === "started") resolve();
        else if (message.type === "health") onHealthChanged(message.cause, message.reason);
        else if (message.type === "servers") onServersChanged(message.lost);
      });
      worker.on("error", (error: Error) => {
        reason = error.message;
      });
      worker.on("exit", () => {
        reject(new RemsError("REMS_HISTORY_FAILED", `the history store failed: ${reason}`));
        if (!isServing) return;
        onHealthChanged("failed", `the history store failed: ${reason}`);
        setTimeout(() => {
          if (!isServing) return;
          start().then(onRestarted, () => {});
        }, RESTART_MS).unref();
      });
    });
  await start();
  isServing = true;
  return {
    connect() {
      const { port1, port2 } = new MessageChannel();
      tell({ type: "connect", port: port1 }, [port1]);
      return port2;
    },
    close() {
      isServing = false;
      return new Promise((resolve) => {
        const timer = setTimeout(() => void worker.terminate(), CLOSE_MS_MAX);
        worker.once("exit", () => {
          clearTimeout(timer);
          resolve();
        });
        tell({ type: "close" });
      });
    },
    closeNow() {
      isServing = false;
      tell({ type: "close" });
      Atomics.wait(given.closed, 0, 0, CLOSE_NOW_MS_MAX);
    },
  };
}
