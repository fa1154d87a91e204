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
  /** What passes arrives so much later from now on, in both directions and in order; 0 ends that. */
  setDelay(delayMs: number): void;
  close(): void;
}

interface Pair {
  readonly client: Socket;
  readonly target: Socket;
}

/** Opens a link on a free loopback port. */
export async function openLink(from: string, to: string, targetPort: number): Promise<Link> {
  const pairs = new Set<Pair>();
  /** What was delayed until a moment in which the link was cut: it passes when that ends. */
  let stranded: (() => void)[] = [];
  let isCut = false;
  let delayMs = 0;

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
    let dueMs = 0;
    let waitingCount = 0;
    const pass = (bytes: Buffer) => {
      if (sink.destroyed) return;
      // Written at once or held back by the kernel's own window: the relay adds no buffer of its own beyond one chunk.
      if (!sink.write(bytes)) source.pause();
    };
    source.on("data", (bytes) => {
      if (delayMs === 0 && waitingCount === 0) {
        pass(bytes);
        return;
      }
      const nowMs = performance.now();
      dueMs = Math.max(dueMs, nowMs + delayMs);
      waitingCount++;
      const deliver = () => {
        waitingCount--;
        pass(bytes);
      };
      setTimeout(() => {
        if (isCut) stranded.push(deliver);
        else deliver();
      }, dueMs - nowMs);
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
      for (const deliver of stranded) deliver();
      stranded = [];
      for (const socket of held) socket.destroy();
      for (const pair of pairs)
        if (pair.client.destroyed || pair.target.destroyed) pairs.delete(pair);
    },
    setDelay: (nextMs) => void (delayMs = nextMs),
    close() {
      isCut = false;
      stranded = [];
      for (const { client, target } of pairs) {
        client.destroy();
        target.destroy();
      }
      for (const socket of held) socket.destroy();
      server.close();
    },
  };
}
