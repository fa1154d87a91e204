import type { AddressInfo, Server, Socket } from "node:net";
import { connect, createServer } from "node:net";

/**
 * A link of the simulated network: passes bytes between whoever connects to `port` and a target, until it is cut. While cut nothing
 * passes in either direction and neither side hears of it: no FIN, no RST, as when a cable is pulled.
 */
export interface Link {
  readonly port: number;
  /** Nodes at the two ends. */
  readonly from: string;
  readonly to: string;
  setCut(isCut: boolean): void;
  close(): void;
}

interface Pair {
  readonly client: Socket;
  readonly target: Socket;
}

/** Opens a link on a free loopback port. */
export async function openLink(from: string, to: string, targetPort: number): Promise<Link> {
  const pairs = new Set<Pair>();
  let isCut = false;

  const server: Server = createServer({ noDelay: true, pauseOnConnect: true }, (client) => {
    if (isCut) {
      // A SYN that gets no answer: the connection stands to our kernel, but says nothing.
      held.add(client);
      client.on("error", () => {});
      client.on("close", () => held.delete(client));
      return;
    }
    const target = connect({ host: "127.0.0.1", port: targetPort, noDelay: true });
    const pair = { client, target };
    pairs.add(pair);
    join(pair, client, target);
    join(pair, target, client);
    client.resume();
  });
  const held = new Set<Socket>();

  const join = (pair: Pair, source: Socket, sink: Socket) => {
    source.on("data", (bytes) => {
      // Written at once or held back by the kernel's own window: the relay adds no buffer of its own beyond one chunk.
      if (!sink.write(bytes)) source.pause();
    });
    sink.on("drain", () => {
      if (!isCut) source.resume();
    });
    source.on("error", () => {});
    source.on("close", () => {
      if (isCut) return;
      pairs.delete(pair);
      sink.destroy();
    });
  };

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    from,
    to,
    setCut(next) {
      if (next === isCut) return;
      isCut = next;
      for (const { client, target } of pairs) {
        for (const socket of [client, target]) {
          if (isCut) socket.pause();
          else if (client.destroyed || target.destroyed) socket.destroy();
          else socket.resume();
        }
      }
      if (isCut) return;
      for (const socket of held) socket.destroy();
      for (const pair of pairs)
        if (pair.client.destroyed || pair.target.destroyed) pairs.delete(pair);
    },
    close() {
      isCut = false;
      for (const { client, target } of pairs) {
        client.destroy();
        target.destroy();
      }
      for (const socket of held) socket.destroy();
      server.close();
    },
  };
}
