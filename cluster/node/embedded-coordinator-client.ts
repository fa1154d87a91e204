import { Client, credentials, Metadata } from "@grpc/grpc-js";
import type { ClientReadableStream } from "@grpc/grpc-js";
import type { Clock, Timer } from "../../kernel/ports/clock.ts";
import type { Coordinator } from "../../kernel/ports/coordinator.ts";
import { counter, required } from "../../proto/field-check.ts";
import { CoordinatorService } from "../../proto/generated/rems-coordinator-v1.ts";
import type { Types } from "../../proto/generated/rems-coordinator-v1.ts";
import type { Method } from "../../proto/method-definition.ts";
import { decodeRecord, encodeRecord } from "../../proto/record-codec.ts";
import { callWithin } from "./call-within.ts";
import type { Answer } from "./call-within.ts";
import type { StoredRecord, TransactionResult } from "./embedded-store.ts";
import { CLIENT_OPTIONS, parseEndpoint, targetOf } from "./rpc-options.ts";
import type { Dial } from "./rpc-options.ts";

export interface EmbeddedCoordinatorClientOptions {
  /** `host:port` of the process that serves the store. */
  readonly endpoint: string;
  readonly dial?: Dial;
  readonly clock: Clock;
}

const ANNOUNCE_DEADLINE_MS = 1000;
const WATCH_RETRY_MS = 200;

/**
 * The embedded coordinator of another process, over gRPC.
 * @throws {@link RemsError} `REMS_CONFIG_INVALID` if the endpoint is not `host:port`.
 */
export function createEmbeddedCoordinatorClient(
  options: EmbeddedCoordinatorClientOptions,
): Coordinator {
  const { clock } = options;
  const dial: Dial = options.dial ?? ((host, port) => ({ host, port }));
  const { host, port } = parseEndpoint(options.endpoint);
  const client = new Client(targetOf(dial(host, port)), credentials.createInsecure(), {
    ...CLIENT_OPTIONS,
    "grpc.keepalive_time_ms": 1000,
    "grpc.keepalive_timeout_ms": 1000,
  });
  const cancellations = new Set<() => void>();
  let isReachable = false;

  function call<Request, Response, Result>(
    method: Method<Request, Response>,
    request: Request,
    deadlineMs: number,
    read: (response: Response) => Result,
    done: (answer: Answer<Result>) => void,
  ): void {
    const result = new Promise<Response>((resolve, reject) => {
      client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        // While the connection is being made again a call waits for it, up to its deadline, instead of failing at once.
        new Metadata({ waitForReady: true }),
        { deadline: Date.now() + deadlineMs },
        (error, response) => {
          if (error !== null) reject(error);
          else resolve(required(response, "response"));
        },
      );
    });
    callWithin(clock, deadlineMs, result.then(read), (answer) => {
      isReachable = answer.isAnswered;
      done(answer);
    });
  }

  return {
    read(grid, deadlineMs, done) {
      const read = (response: ReadResponse) => fromWire(response.stored);
      call(CoordinatorService.read, { grid }, deadlineMs, read, (answer) =>
        done(
          answer.isAnswered
            ? { type: "read", ...answer.value }
            : { type: "failed", reason: answer.reason },
        ),
      );
    },
    transact({ grid, expectedRevision, expectedNonce, record }, deadlineMs, done) {
      const request = { grid, expectedRevision, expectedNonce, record: encodeRecord(record) };
      call(CoordinatorService.transact, request, deadlineMs, resultOf, (answer) => {
        if (!answer.isAnswered) {
          done({ type: "unknown", reason: answer.reason });
          return;
        }
        const { isApplied, stored } = answer.value;
        done(
          isApplied
            ? { type: "applied", revision: stored.revision }
            : { type: "refused", ...stored },
        );
      });
    },
    watch(grid, hint) {
      const cancelWatch = keepWatching(client, clock, grid, hint);
      const cancel = () => {
        cancellations.delete(cancel);
        cancelWatch();
      };
      cancellations.add(cancel);
      return cancel;
    },
    announce(node, value) {
      const ignore = () => {};
      call(CoordinatorService.announce, { node, value }, ANNOUNCE_DEADLINE_MS, ignore, ignore);
    },
    status: () => ({ kind: "embedded", endpointCount: 1, reachableCount: isReachable ? 1 : 0 }),
    close() {
      for (const cancel of cancellations) cancel();
      client.close();
      return Promise.resolve();
    },
  };
}

type ReadResponse = Types.rems.coordinator.v1.ReadResponse;
type TransactResponse = Types.rems.coordinator.v1.TransactResponse;
type WatchResponse = Types.rems.coordinator.v1.WatchResponse;

/** A watch that begins again when its stream ends, with a hint, because changes may have been missed. */
function keepWatching(client: Client, clock: Clock, grid: string, hint: () => void): () => void {
  const method = CoordinatorService.watch;
  let isCancelled = false;
  let stream: ClientReadableStream<WatchResponse> | null = null;
  let retryTimer: Timer | null = null;

  function open(): void {
    let isOver = false;
    const over = () => {
      if (isOver || isCancelled) return;
      isOver = true;
      retryTimer = clock.at(clock.monotonicMs() + WATCH_RETRY_MS, open);
    };
    stream = client.makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      { grid },
    );
    stream.on("data", () => {
      if (!isCancelled) hint();
    });
    stream.on("error", over);
    stream.on("end", over);
  }

  open();
  return () => {
    isCancelled = true;
    retryTimer?.cancel();
    stream?.cancel();
  };
}

function resultOf(response: TransactResponse): TransactionResult {
  return { isApplied: response.isApplied, stored: fromWire(response.stored) };
}

/** @throws RemsError where the answer is not what this protocol's server sends */
function fromWire(wire: Types.rems.coordinator.v1.StoredRecord | null | undefined): StoredRecord {
  const { revision, record } = required(wire, "stored");
  return {
    revision: counter(revision, "stored.revision"),
    record: typeof record === "string" ? decodeRecord(record) : null,
  };
}
