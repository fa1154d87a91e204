import type { IWatchRequest, IWatchResponse } from "etcd3";
import type { Clock, Timer } from "../../kernel/ports/clock.ts";
import type { EtcdMember } from "./etcd-member.ts";

interface WatchStream {
  write(request: IWatchRequest): unknown;
  cancel(): void;
  on(event: "data", handler: (response: IWatchResponse) => void): unknown;
  on(event: "error" | "end", handler: () => void): unknown;
}

const BACKOFF_MS_MIN = 50;
const BACKOFF_MS_MAX = 1000;

export interface EtcdWatch {
  /** Watches at this member from now on. */
  moveTo(member: EtcdMember): void;
  close(): void;
}

/**
 * Watches all keys from `prefix` on one member, and begins again whenever the stream ends. A member that is cut off from the
 * others keeps silent without ending the stream: the owner moves the watch when calls to that member fail.
 *
 * @param onKey - Called with each key that changed, and with null where changes may have been missed.
 */
export function createEtcdWatch(
  prefix: string,
  clock: Clock,
  onKey: (key: string | null) => void,
): EtcdWatch {
  let member: EtcdMember | null = null;
  let stream: WatchStream | null = null;
  let retryTimer: Timer | null = null;
  let backoffMs = BACKOFF_MS_MIN;
  /** Counts the attempts: what an abandoned one still reports is ignored. */
  let attempt = 0;
  let isClosed = false;

  function open(): void {
    if (isClosed || member === null) return;
    attempt += 1;
    const own = attempt;
    member.client.watchClient.watch().then(
      (opened) => {
        if (own === attempt && !isClosed) begin(opened, own);
        else opened.cancel();
      },
      () => retry(own),
    );
  }

  function begin(opened: WatchStream, own: number): void {
    stream = opened;
    opened.on("data", (response) => {
      if (own !== attempt) return;
      if (response.canceled) {
        retry(own);
      } else if (response.created) {
        backoffMs = BACKOFF_MS_MIN;
        onKey(null);
      } else {
        for (const event of response.events) onKey(event.kv.key.toString());
      }
    });
    opened.on("error", () => retry(own));
    opened.on("end", () => retry(own));
    const key = Buffer.from(prefix);
    opened.write({ create_request: { key, range_end: endOfPrefix(key) } });
  }

  function retry(own: number): void {
    if (own !== attempt || isClosed) return;
    abandon();
    retryTimer = clock.at(clock.monotonicMs() + backoffMs, open);
    backoffMs = Math.min(backoffMs * 2, BACKOFF_MS_MAX);
  }

  function abandon(): void {
    attempt += 1;
    retryTimer?.cancel();
    stream?.cancel();
    stream = null;
  }

  return {
    moveTo(next) {
      abandon();
      member = next;
      open();
    },
    close() {
      isClosed = true;
      abandon();
    },
  };
}

/** First key after all that begin with `prefix`, whose last byte is below 255. */
export function endOfPrefix(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  end.writeUInt8(end.readUInt8(end.length - 1) + 1, end.length - 1);
  return end;
}
