import { Client, Metadata } from "@grpc/grpc-js";
import type { ChannelCredentials, ClientWritableStream } from "@grpc/grpc-js";
import type { Clock, Timer } from "../../kernel/ports/clock.ts";
import { rems } from "../../proto/generated/rems-peer-v1.ts";
import { PeerService } from "../../proto/generated/rems-peer-v1.ts";
import { PEER_MESSAGE_BYTES_MAX } from "../../proto/peer-codec.ts";
import type { NodeLog } from "./node-log.ts";
import { CLIENT_OPTIONS, targetOf } from "./rpc-options.ts";
import type { Endpoint } from "./rpc-options.ts";

const CONNECT_MS_MAX = 1000;
const BACKOFF_MS_MIN = 50;
const BACKOFF_MS_MAX = 500;
/** Nothing was taken off the buffer for so long: the stream is given up. */
const STUCK_MS_MAX = 1000;
const WAITING_COUNT_MAX = 256;
/** Room for one state of the largest size and the frames after it. */
const WAITING_BYTES_MAX = 8_000_000;

export interface PeerLinkOptions {
  readonly peer: string;
  /** Asked anew for every connection. */
  readonly endpoint: () => Endpoint;
  /** First message of every stream. */
  readonly hello: Buffer;
  readonly credentials: ChannelCredentials;
  readonly clock: Clock;
  readonly log: NodeLog;
  readonly onChanged: (isConnected: boolean) => void;
}

/** The outgoing stream to one peer: connects, reconnects, and drops what does not fit its buffer. */
export interface PeerLink {
  send(bytes: Buffer): boolean;
  isConnected(): boolean;
  close(): void;
}

/** One attempt to have a stream, from dialling to its end. */
interface Stream {
  readonly client: Client;
  readonly call: ClientWritableStream<Buffer>;
  isAccepted: boolean;
  isOver: boolean;
  waitingCount: number;
  waitingBytes: number;
  /** When the buffer was last empty or got shorter. */
  movedAtMs: number;
  connectTimer: Timer | null;
}

export function createPeerLink(options: PeerLinkOptions): PeerLink {
  const { clock, log, peer } = options;
  let stream: Stream | null = null;
  let retryTimer: Timer | null = null;
  let backoffMs = BACKOFF_MS_MIN;
  let isClosed = false;

  function open(): void {
    const target = targetOf(options.endpoint());
    const client = new Client(target, options.credentials, {
      ...CLIENT_OPTIONS,
      "grpc.keepalive_time_ms": 1000,
      "grpc.keepalive_timeout_ms": 1000,
      "grpc.max_send_message_length": PEER_MESSAGE_BYTES_MAX,
    });
    const call = client.makeClientStreamRequest<Buffer, unknown>(
      PeerService.exchange.path,
      (bytes) => bytes,
      (bytes) => rems.peer.v1.ExchangeResponse.decode(bytes),
      new Metadata(),
      {},
      (error) => over(own, error === null ? "ended by the peer" : error.message),
    );
    const own: Stream = {
      client,
      call,
      isAccepted: false,
      isOver: false,
      waitingCount: 0,
      waitingBytes: 0,
      movedAtMs: clock.monotonicMs(),
      connectTimer: null,
    };
    own.connectTimer = clock.at(clock.monotonicMs() + CONNECT_MS_MAX, () =>
      over(own, `no answer from ${target} within ${CONNECT_MS_MAX} ms`),
    );
    stream = own;
    // The peer sends its headers once it has taken the greeting.
    call.on("metadata", () => accepted(own));
    call.on("error", (error) => over(own, error.message));
    call.write(options.hello);
  }

  function accepted(own: Stream): void {
    if (own.isOver) return;
    own.isAccepted = true;
    own.connectTimer?.cancel();
    backoffMs = BACKOFF_MS_MIN;
    log.info({ peer }, "peer connected");
    options.onChanged(true);
  }

  function over(own: Stream, reason: string): void {
    if (own.isOver) return;
    own.isOver = true;
    own.connectTimer?.cancel();
    own.call.cancel();
    own.client.close();
    stream = null;
    if (own.isAccepted) {
      log.warn({ peer, reason }, "peer disconnected");
      options.onChanged(false);
    } else {
      log.debug({ peer, reason }, "peer not reached");
    }
    if (isClosed) return;
    retryTimer = clock.at(clock.monotonicMs() + backoffMs, open);
    backoffMs = Math.min(backoffMs * 2, BACKOFF_MS_MAX);
  }

  function send(bytes: Buffer): boolean {
    const own = stream;
    if (own === null || !own.isAccepted) return false;
    const nowMs = clock.monotonicMs();
    if (own.waitingCount === 0) own.movedAtMs = nowMs;
    if (nowMs - own.movedAtMs > STUCK_MS_MAX) {
      over(own, `nothing was taken for ${STUCK_MS_MAX} ms`);
      return false;
    }
    const isFull =
      own.waitingCount >= WAITING_COUNT_MAX || own.waitingBytes + bytes.length > WAITING_BYTES_MAX;
    if (isFull) return false;
    own.waitingCount += 1;
    own.waitingBytes += bytes.length;
    own.call.write(bytes, () => {
      own.waitingCount -= 1;
      own.waitingBytes -= bytes.length;
      own.movedAtMs = clock.monotonicMs();
    });
    return true;
  }

  open();
  return {
    send,
    isConnected: () => stream?.isAccepted === true,
    close() {
      isClosed = true;
      retryTimer?.cancel();
      if (stream !== null) over(stream, "closed");
    },
  };
}
