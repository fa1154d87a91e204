import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import { present } from "../../kernel/assert.ts";
import { RemsError } from "../../kernel/errors.ts";
import { startExports } from "../servers/start-exports.ts";
import { keepWorkerHeapSmall } from "../worker-heap.ts";
import { answerQuestion } from "./answer.ts";
import type { PointHistory } from "./points-query.ts";
import { StoreKeeper } from "./store-keeper.ts";
import type {
  SeriesInfo,
  StoreRequest,
  StoreReply,
  StoreWorkerCommand,
  StoreWorkerMessage,
  StoreWorkerStart,
} from "./store-messages.ts";

/** The store's worker: follows the journal into the database, keeps house, and answers what the API worker asks. */
const IDLE_MS = 100;

const port = present(parentPort, "the store's worker runs as a worker thread");
const send = (message: StoreWorkerMessage): void => port.postMessage(message);
const data = workerData as StoreWorkerStart;
const keeper = new StoreKeeper(data, {
  nowMs: () => performance.now(),
  onHealthChanged: (cause, reason) => send({ type: "health", cause, reason }),
});
const exports = startExports({
  options: data.servers,
  grids: data.grids.map(({ id }) => id),
  store: () => (keeper.isOpen ? keeper.store : null),
  onLostChanged: (lost) => send({ type: "servers", lost }),
});
let isClosing = false;

port.on("message", (command: StoreWorkerCommand) => {
  if (command.type === "connect") serve(command.port);
  else isClosing = true;
});

function serve(questions: MessagePort): void {
  questions.on("message", ({ id, question }: StoreRequest) => {
    const reply = (message: StoreReply, moved: readonly ArrayBuffer[] = []): void =>
      questions.postMessage(message, moved);
    answerQuestion(keeper, question).then(
      // Tens of megabytes of roll-ups change hands instead of being copied.
      (answer) => reply({ id, answer }, Array.isArray(answer) ? buffersOf(answer) : []),
      (error: unknown) => reply({ id, error: wireError(error) }),
    );
  });
}

function buffersOf(answer: readonly (PointHistory | SeriesInfo)[]): ArrayBuffer[] {
  return answer.flatMap((each) => {
    if (!("buckets" in each) || each.buckets === null) return [];
    const { min, mean, max } = each.buckets;
    return [min, mean, max].map(({ buffer }) => buffer as ArrayBuffer);
  });
}

function wireError(error: unknown): { code: RemsError["code"]; message: string } {
  if (error instanceof RemsError) {
    return { code: error.code, message: error.message.replace(/ \[REMS_\w+\]$/, "") };
  }
  keeper.onError(error);
  const message = error instanceof Error ? error.message : String(error);
  return { code: "REMS_HISTORY_FAILED", message: `the history database failed: ${message}` };
}

function round(): void {
  const isBusy = keeper.turn();
  if (isClosing) {
    exports.stop();
    keeper.close();
    send({ type: "closed" });
    Atomics.store(data.closed, 0, 1);
    Atomics.notify(data.closed, 0);
    port.close();
    process.exit();
  }
  // Questions are answered between two turns, however much there is to catch up with.
  if (isBusy) setImmediate(round);
  else setTimeout(round, IDLE_MS);
}
keepWorkerHeapSmall();
send({ type: "started" });
round();
