import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import type {
  sendUnaryData,
  ServerUnaryCall,
  ServerWritableStream,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { counter, id, nonce, text } from "../../proto/field-check.ts";
import { CoordinatorService } from "../../proto/generated/rems-coordinator-v1.ts";
import type { Types } from "../../proto/generated/rems-coordinator-v1.ts";
import { decodeRecord, encodeRecord } from "../../proto/record-codec.ts";
import type { EmbeddedStore, StoredRecord } from "./embedded-store.ts";
import { listen, shutDown } from "./rpc-listen.ts";

export interface EmbeddedCoordinatorServer {
  /** Loopback port that it listens on. */
  readonly port: number;
  close(): Promise<void>;
}

/** Hints that wait for a slow client at most: one says as much as many. */
const HINT_COUNT_MAX = 4;
const PRESENCE_LENGTH_MAX = 1000;

/**
 * Serves a store to the node processes of one machine, for trying R-EMS and for tests. Loopback only: whoever
 * reaches it may write any record.
 * @throws {@link RemsError} `REMS_PORT_IN_USE`
 */
export async function serveEmbeddedCoordinator(
  store: EmbeddedStore,
  port: number,
): Promise<EmbeddedCoordinatorServer> {
  const server = new Server({ "grpc.enable_channelz": 0 });
  const watching = new Set<ServerWritableStream<WatchRequest, object>>();

  function watch(call: ServerWritableStream<WatchRequest, object>): void {
    const cancel = store.watch(call.request.grid, () => {
      if (call.writableLength < HINT_COUNT_MAX) call.write({});
    });
    watching.add(call);
    // The first response says that the watch stands.
    call.write({});
    const end = () => {
      cancel();
      watching.delete(call);
    };
    call.on("cancelled", end);
    call.on("error", end);
  }

  const handlers: UntypedServiceImplementation = {
    read: answer(async ({ grid }: ReadRequest): Promise<ReadResponse> => ({
      stored: toWire(await store.read(id(grid, "grid"))),
    })),
    transact: answer(async (request: TransactRequest): Promise<TransactResponse> => {
      const { isApplied, stored } = await store.transact({
        grid: id(request.grid, "grid"),
        expectedRevision: counter(request.expectedRevision, "expectedRevision"),
        expectedNonce:
          typeof request.expectedNonce === "string"
            ? nonce(request.expectedNonce, "expectedNonce")
            : null,
        record: decodeRecord(request.record),
      });
      return { isApplied, stored: toWire(stored) };
    }),
    announce: answer(({ node, value }: AnnounceRequest) => {
      store.announce(id(node, "node"), text(value, "value", PRESENCE_LENGTH_MAX));
      return Promise.resolve({});
    }),
    watch,
  };
  server.addService(CoordinatorService, handlers);
  const address = { host: "127.0.0.1", port };
  const bound = await listen(server, address, ServerCredentials.createInsecure());
  return {
    port: bound,
    close() {
      for (const call of watching) call.end();
      return shutDown(server);
    },
  };
}

type ReadRequest = Types.rems.coordinator.v1.ReadRequest;
type ReadResponse = Types.rems.coordinator.v1.ReadResponse;
type TransactRequest = Types.rems.coordinator.v1.TransactRequest;
type TransactResponse = Types.rems.coordinator.v1.TransactResponse;
type AnnounceRequest = Types.rems.coordinator.v1.AnnounceRequest;
type WatchRequest = Types.rems.coordinator.v1.WatchRequest;

/** A unary handler of a function that may fail. */
function answer<Request, Response>(act: (request: Request) => Promise<Response>) {
  return (call: ServerUnaryCall<Request, Response>, done: sendUnaryData<Response>): void => {
    const run = async () => act(call.request);
    run().then(
      (response) => done(null, response),
      (error: unknown) => {
        const details = error instanceof Error ? error.message : String(error);
        done({ code: status.INTERNAL, details });
      },
    );
  };
}

function toWire({ revision, record }: StoredRecord): Types.rems.coordinator.v1.StoredRecord {
  return { revision, record: record === null ? null : encodeRecord(record) };
}
