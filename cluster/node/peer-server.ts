import { Metadata, Server, status } from "@grpc/grpc-js";
import type { sendUnaryData, ServerReadableStream } from "@grpc/grpc-js";
import { RemsError } from "../../kernel/errors.ts";
import type { PeerMessage } from "../../kernel/peer-message.ts";
import { PeerService, rems } from "../../proto/generated/rems-peer-v1.ts";
import { asBuffer } from "../../proto/method-definition.ts";
import {
  decodePeerContent,
  PEER_MESSAGE_BYTES_MAX,
  PEER_PROTOCOL_VERSION,
} from "../../proto/peer-codec.ts";
import type { PeerHello } from "../../proto/peer-codec.ts";
import type { NodeLog } from "./node-log.ts";

export interface PeerServerOptions {
  readonly installation: string;
  /** Nodes from which streams are taken. */
  readonly peers: readonly string[];
  readonly log: NodeLog;
  readonly onMessage: (fromNode: string, message: PeerMessage) => void;
}

/** An incoming stream; `node` is known once it has introduced itself. */
interface Incoming {
  readonly call: ServerReadableStream<Buffer, Buffer>;
  readonly done: sendUnaryData<Buffer>;
  node: string | null;
  isOver: boolean;
  invalidCount: number;
}

/** A peer that sends so much nonsense on one stream runs another program: its stream is ended. */
const INVALID_COUNT_MAX = 20;

/** The server that takes the peers' streams. It still has to be bound to a port. */
export interface PeerServer {
  readonly server: Server;
  /** Ends every stream, so that the peers hear of it at once. */
  readonly endStreams: () => void;
}

export function createPeerServer(options: PeerServerOptions): PeerServer {
  const { log } = options;
  /** The stream that counts per node: the newest. A restarted peer must not be mixed up with its earlier life. */
  const current = new Map<string, Incoming>();
  const all = new Set<Incoming>();
  const server = new Server({
    "grpc.max_receive_message_length": PEER_MESSAGE_BYTES_MAX,
    "grpc.keepalive_time_ms": 1000,
    "grpc.keepalive_timeout_ms": 1000,
    "grpc.enable_channelz": 0,
  });

  function end(incoming: Incoming, code: status, details: string): void {
    if (incoming.isOver) return;
    incoming.isOver = true;
    all.delete(incoming);
    if (incoming.node !== null && current.get(incoming.node) === incoming) {
      current.delete(incoming.node);
    }
    if (code === status.OK) {
      incoming.done(null, asBuffer(rems.peer.v1.ExchangeResponse.encode({}).finish()));
    } else {
      incoming.done({ code, details });
    }
  }

  function greet(incoming: Incoming, hello: PeerHello): void {
    const refusal = refusalOf(hello, options);
    if (refusal !== null) {
      log.warn({ peer: hello.node, reason: refusal }, "peer refused");
      end(incoming, status.PERMISSION_DENIED, refusal);
      return;
    }
    const earlier = current.get(hello.node);
    if (earlier !== undefined) end(earlier, status.ABORTED, "replaced by a newer stream");
    incoming.node = hello.node;
    current.set(hello.node, incoming);
    incoming.call.sendMetadata(new Metadata());
  }

  function receive(incoming: Incoming, bytes: Buffer): void {
    if (incoming.isOver) return;
    try {
      const content = decodePeerContent(bytes);
      if (content.type === "hello") {
        if (incoming.node === null) greet(incoming, content.hello);
        else end(incoming, status.INVALID_ARGUMENT, "a second greeting");
      } else if (incoming.node === null) {
        end(incoming, status.INVALID_ARGUMENT, "a message before the greeting");
      } else {
        options.onMessage(incoming.node, content.message);
      }
    } catch (error) {
      const invalid = RemsError.find(error, "REMS_MESSAGE_INVALID");
      if (invalid === undefined) throw error;
      incoming.invalidCount += 1;
      log.warn({ peer: incoming.node, reason: invalid.message }, "invalid message dropped");
      if (incoming.node === null || incoming.invalidCount > INVALID_COUNT_MAX) {
        end(incoming, status.INVALID_ARGUMENT, invalid.message);
      }
    }
  }

  server.register<Buffer, Buffer>(
    PeerService.exchange.path,
    (call: ServerReadableStream<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
      const incoming: Incoming = { call, done, node: null, isOver: false, invalidCount: 0 };
      all.add(incoming);
      call.on("data", (bytes: Buffer) => receive(incoming, bytes));
      call.on("end", () => end(incoming, status.OK, ""));
      call.on("cancelled", () => end(incoming, status.CANCELLED, "cancelled"));
      call.on("error", (error: Error) => end(incoming, status.CANCELLED, error.message));
    },
    (bytes) => bytes,
    (bytes) => bytes,
    "clientStream",
  );
  return {
    server,
    endStreams() {
      for (const incoming of all) end(incoming, status.UNAVAILABLE, "the node closes");
    },
  };
}

function refusalOf(hello: PeerHello, options: PeerServerOptions): string | null {
  if (hello.protocolVersion !== PEER_PROTOCOL_VERSION) {
    return `protocol version ${hello.protocolVersion} instead of ${PEER_PROTOCOL_VERSION}`;
  }
  if (hello.installation !== options.installation) {
    return `installation "${hello.installation}" instead of "${options.installation}"`;
  }
  if (!options.peers.includes(hello.node)) {
    return `node "${hello.node}" is not one of ${options.peers.join(", ")}`;
  }
  return null;
}
