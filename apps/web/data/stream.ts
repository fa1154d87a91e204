import { base, moveOn, tellAnswered } from "./node-link.ts";

/**
 * A stream of server-sent events that lives on: where its node dies, the next one is asked, and its snapshot puts everything right again.
 */

const RETRY_MS_MIN = 120;
const RETRY_MS_MAX = 2000;
/** So long without a word, and the node is asked whether it still lives: a frozen one closes no socket. */
const SILENCE_MS_MAX = 3000;
const ALIVE_MS_MAX = 1500;

export type Handlers = Readonly<Record<string, (data: unknown) => void>>;

/**
 * @param path - Asked for at each attempt.
 * @param handlers - By topic.
 * @param isMain - It decides which node the whole page asks.
 * @returns What ends it.
 */
export function openStream(path: () => string, handlers: Handlers, isMain = false): () => void {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let silence: ReturnType<typeof setTimeout> | undefined;
  let retryMs = RETRY_MS_MIN;
  let isEnded = false;
  /** Of whom the present attempt asks. */
  let opened = "";

  const lost = (from: string): void => {
    if (isEnded) return;
    source?.close();
    source = null;
    clearTimeout(silence);
    if (isMain) {
      tellAnswered(false);
      moveOn(from);
    }
    clearTimeout(timer);
    timer = setTimeout(open, retryMs);
    retryMs = Math.min(retryMs * 1.6, RETRY_MS_MAX);
  };

  const open = (): void => {
    const from = base.peek();
    opened = from;
    const stream = new EventSource(from + path());
    source = stream;
    const listen = (): void => {
      clearTimeout(silence);
      silence = setTimeout(() => void askAlive(), SILENCE_MS_MAX);
    };
    const askAlive = async (): Promise<void> => {
      const isAlive = await fetch(`${from}/healthz`, {
        signal: AbortSignal.timeout(ALIVE_MS_MAX),
      }).then(
        ({ ok }) => ok,
        () => false,
      );
      if (source !== stream) return;
      if (isAlive && stream.readyState === EventSource.OPEN) listen();
      else lost(from);
    };
    listen();
    for (const [topic, handle] of Object.entries(handlers)) {
      stream.addEventListener(topic, (event: MessageEvent<string>) => {
        listen();
        handle(JSON.parse(event.data));
      });
    }
    stream.addEventListener("hello", () => {
      listen();
      retryMs = RETRY_MS_MIN;
      if (isMain) tellAnswered(true);
    });
    stream.addEventListener("error", () => {
      if (source === stream) lost(from);
    });
  };

  open();
  // The page looks elsewhere, at a recording or at another node: so does the stream.
  const unsubscribe = base.subscribe((now) => {
    if (source === null || opened === now) return;
    source.close();
    source = null;
    clearTimeout(silence);
    clearTimeout(timer);
    timer = setTimeout(open, 0);
  });
  return () => {
    isEnded = true;
    unsubscribe();
    clearTimeout(timer);
    clearTimeout(silence);
    source?.close();
  };
}
