import type { MessagePort } from "node:worker_threads";
import { RemsError } from "../../kernel/errors.ts";
import type { StoreAnswers, StoreQuestion, StoreReply, StoreRequest } from "./store-messages.ts";

/** Questions that may wait for the store; one more is refused. */
const WAITING_COUNT_MAX = 64;
const ANSWER_MS_MAX = 30_000;
/** A copy of the whole database takes its time. */
const BACKUP_MS_MAX = 600_000;

interface Waiting {
  readonly resolve: (answer: StoreAnswers[keyof StoreAnswers]) => void;
  readonly reject: (error: RemsError) => void;
  readonly timer: NodeJS.Timeout;
}

/** Asks the history store from another thread. */
export class StoreClient {
  #port: MessagePort | null = null;
  #nextId = 1;
  readonly #waiting = new Map<number, Waiting>();

  /** Takes a new connection; what was asked over the old one is not answered any more. */
  connect(port: MessagePort): void {
    this.#port?.close();
    this.#port = port;
    this.#failAll("the history store was started again; ask again");
    port.on("message", (reply: StoreReply) => this.#take(reply));
    port.unref();
  }

  /**
   * @throws {@link RemsError} of the store; `REMS_HISTORY_FAILED` where there is none or too much waits, `REMS_TIMEOUT`.
   */
  ask<Type extends StoreQuestion["type"]>(
    question: Extract<StoreQuestion, { readonly type: Type }>,
  ): Promise<StoreAnswers[Type]> {
    const port = this.#port;
    return new Promise((resolve, reject) => {
      const refuse = (text: string) =>
        reject(new RemsError("REMS_HISTORY_FAILED", text, { isRetryable: true }));
      if (port === null) return refuse("this node keeps no history; see [history] in its manifest");
      if (this.#waiting.size >= WAITING_COUNT_MAX) {
        return refuse(`${WAITING_COUNT_MAX} questions wait for the history store; try again`);
      }
      const id = this.#nextId++;
      const limitMs = question.type === "backup" ? BACKUP_MS_MAX : ANSWER_MS_MAX;
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new RemsError("REMS_TIMEOUT", "the history store did not answer in time"));
      }, limitMs);
      this.#waiting.set(id, {
        resolve: resolve as (answer: StoreAnswers[keyof StoreAnswers]) => void,
        reject,
        timer,
      });
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port between threads, not a window
      port.postMessage({ id, question } satisfies StoreRequest);
    });
  }

  close(): void {
    this.#port?.close();
    this.#port = null;
    this.#failAll("this node is stopping");
  }

  #take(reply: StoreReply): void {
    const waiting = this.#waiting.get(reply.id);
    if (waiting === undefined) return;
    this.#waiting.delete(reply.id);
    clearTimeout(waiting.timer);
    if ("error" in reply) waiting.reject(new RemsError(reply.error.code, reply.error.message));
    else waiting.resolve(reply.answer);
  }

  #failAll(text: string): void {
    for (const [id, { reject, timer }] of this.#waiting) {
      clearTimeout(timer);
      reject(new RemsError("REMS_HISTORY_FAILED", text, { isRetryable: true }));
      this.#waiting.delete(id);
    }
  }
}
