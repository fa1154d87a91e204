import { credentials as clientCredentials, ServerCredentials } from "@grpc/grpc-js";
import type { ChannelCredentials } from "@grpc/grpc-js";
import { RemsError } from "../../kernel/errors.ts";
import type { PeerMessage } from "../../kernel/peer-message.ts";
import type { Clock } from "../../kernel/ports/clock.ts";
import type { PeerTransport } from "../../kernel/ports/peer-transport.ts";
import {
  encodePeerHello,
  encodePeerMessage,
  PEER_PROTOCOL_VERSION,
} from "../../proto/peer-codec.ts";
import type { NodeLog } from "./node-log.ts";
import { createPeerLink } from "./peer-link.ts";
import type { PeerLink } from "./peer-link.ts";
import { createPeerServer } from "./peer-server.ts";
import { listen, shutDown } from "./rpc-listen.ts";
import type { Dial, Endpoint } from "./rpc-options.ts";

export interface PeerAddress extends Endpoint {
  readonly node: string;
}

/** Both ends of the streams; plain text where absent. Mutual TLS goes here. */
export interface PeerCredentials {
  readonly client: ChannelCredentials;
  readonly server: ServerCredentials;
}

export interface GrpcTransportOptions {
  /** Name of the own node. */
  readonly self: string;
  /** Peers of another installation are refused. */
  readonly installation: string;
  readonly listenHost: string;
  /** 0 takes a free port. */
  readonly listenPort: number;
  /** Every other node. */
  readonly peers: readonly PeerAddress[];
  readonly dial?: Dial;
  readonly clock: Clock;
  readonly log: NodeLog;
  readonly credentials?: PeerCredentials;
}

export interface GrpcTransport extends PeerTransport {
  /** The port that it listens on. */
  readonly port: number;
}

/**
 * Joins this node to every other by gRPC streams, one TCP connection and one direction each: what this node sends, it sends
 * on the stream that it opened. Connections that fail are tried again by themselves.
 *
 * @throws {@link RemsError} `REMS_PORT_IN_USE` if the port cannot be had.
 */
export async function createGrpcTransport(options: GrpcTransportOptions): Promise<GrpcTransport> {
  const { self, installation, peers, clock, log } = options;
  const dial = options.dial ?? ((host, port) => ({ host, port }));
  const messageHandlers: ((fromNode: string, message: PeerMessage) => void)[] = [];
  const connectionHandlers: ((node: string, isConnected: boolean) => void)[] = [];
  const { server, endStreams } = createPeerServer({
    installation,
    peers: peers.map(({ node }) => node),
    log,
    onMessage(fromNode, message) {
      for (const handler of messageHandlers) handler(fromNode, message);
    },
  });
  const port = await listen(
    server,
    { host: options.listenHost, port: options.listenPort },
    options.credentials?.server ?? ServerCredentials.createInsecure(),
  );
  const hello = encodePeerHello({
    node: self,
    installation,
    protocolVersion: PEER_PROTOCOL_VERSION,
  });
  const links = new Map<string, PeerLink>();
  for (const { node, host, port: peerPort } of peers) {
    const link = createPeerLink({
      peer: node,
      endpoint: () => dial(host, peerPort),
      hello,
      credentials: options.credentials?.client ?? clientCredentials.createInsecure(),
      clock,
      log,
      onChanged(isConnected) {
        for (const handler of connectionHandlers) handler(node, isConnected);
      },
    });
    links.set(node, link);
  }
  const encode = (message: PeerMessage): Buffer | null => {
    try {
      return encodePeerMessage(message);
    } catch (error) {
      const invalid = RemsError.find(error, "REMS_MESSAGE_INVALID");
      if (invalid === undefined) throw error;
      log.warn({ type: message.type, reason: invalid.message }, "message not sent");
      return null;
    }
  };
  return {
    port,
    send(toNode, message) {
      const link = links.get(toNode);
      if (link === undefined || !link.isConnected()) return false;
      const bytes = encode(message);
      return bytes !== null && link.send(bytes);
    },
    onMessage: (handler) => void messageHandlers.push(handler),
    onConnectionChanged: (handler) => void connectionHandlers.push(handler),
    isConnected: (node) => links.get(node)?.isConnected() === true,
    close() {
      for (const link of links.values()) link.close();
      endStreams();
      return shutDown(server);
    },
  };
}
