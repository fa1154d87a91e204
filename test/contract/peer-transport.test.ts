import { afterEach, describe, expect, it } from "vitest";
import { createGrpcTransport } from "../../cluster/node/grpc-transport.ts";
import type { GrpcTransport } from "../../cluster/node/grpc-transport.ts";
import { NO_LOG } from "../../cluster/node/node-log.ts";
import { createSystemClock } from "../../cluster/node/system-clock.ts";
import { RemsError } from "../../kernel/errors.ts";
import type { PeerMessage } from "../../kernel/peer-message.ts";
import type { PeerTransport } from "../../kernel/ports/peer-transport.ts";
import { openLink } from "../../apps/launcher/link-relay.ts";
import type { Link } from "../../apps/launcher/link-relay.ts";
import { createMemoryNetwork } from "../../sim/ports/memory-transport.ts";
import { createVirtualClock } from "../../sim/ports/virtual-clock.ts";
import { eventually } from "../support/eventually.ts";

const NODES = ["n1", "n2", "n3"];

/** Three nodes that can be taken away and brought back. */
interface Network {
  attach(node: string): Promise<PeerTransport>;
  /** Lets time pass until it is so. */
  until(what: string, isSo: () => boolean): Promise<void>;
  close(): Promise<void>;
}

function memoryNetwork(): Promise<Network> {
  const clock = createVirtualClock();
  const network = createMemoryNetwork({ clock });
  return Promise.resolve({
    attach: (node) => Promise.resolve(network.attach(node)),
    async until(what, isSo) {
      for (let i = 0; i < 20_000 && !isSo(); i++) clock.advanceBy(1);
      if (!isSo()) throw new RemsError("REMS_TIMEOUT", `${what} did not happen within 20 s`);
      await Promise.resolve();
    },
    close: () => Promise.resolve(),
  });
}

/** Ports are free ones, so that a peer's port is only known once it listens: `dial` looks it up. */
function grpcNetwork(): Promise<Network> {
  const ports = new Map<string, number>();
  const transports: GrpcTransport[] = [];
  return Promise.resolve({
    async attach(node) {
      const peers = NODES.filter((name) => name !== node);
      const transport = await createGrpcTransport({
        self: node,
        installation: "contract",
        listenHost: "127.0.0.1",
        listenPort: ports.get(node) ?? 0,
        peers: peers.map((name, i) => ({ node: name, host: name, port: i + 1 })),
        dial: (host) => ({ host: "127.0.0.1", port: ports.get(host) ?? 1 }),
        clock: createSystemClock(),
        log: NO_LOG,
      });
      ports.set(node, transport.port);
      transports.push(transport);
      return transport;
    },
    until: eventually,
    async close() {
      for (const transport of transports) await transport.close();
    },
  });
}

const from = { node: "n1", incarnation: "1".repeat(32) };
const last = { epoch: 2 ** 40, sequence: Number.MAX_SAFE_INTEGER, hash: "a".repeat(32) };
const position = (plantTimeMs: number): PeerMessage => ({
  type: "position",
  grid: "port",
  from,
  last,
  plantTimeMs,
});
const timeOf = (message: PeerMessage) =>
  message.type === "position" ? message.plantTimeMs : Number.NaN;

describe.each([
  ["memory", memoryNetwork],
  ["gRPC", grpcNetwork],
])("peer transport: %s", (_name, open) => {
  let network: Network | undefined;
  afterEach(async () => network?.close());

  async function connected() {
    network = await open();
    const [n1, n2, n3] = [
      await network.attach("n1"),
      await network.attach("n2"),
      await network.attach("n3"),
    ];
    const all = [n1, n2, n3];
    await network.until("every stream opens", () =>
      all.every((transport, i) =>
        NODES.every((node) => node === NODES[i] || transport.isConnected(node)),
      ),
    );
    return { network, n1, n2, n3 };
  }

  it("delivers to the addressed node only, with the sender's name, exactly as sent", async () => {
    const { network, n1, n2, n3 } = await connected();
    const received: [string, PeerMessage][] = [];
    n2.onMessage((node, message) => received.push([node, message]));
    n3.onMessage((node, message) => received.push([`n3 from ${node}`, message]));
    expect(n1.send("n2", position(1.25))).toBe(true);
    await network.until("the message arrives", () => received.length > 0);
    expect(received).toEqual([["n1", position(1.25)]]);
  });

  it("keeps the order of everything that it took", async () => {
    const { network, n1, n2 } = await connected();
    const received: number[] = [];
    n2.onMessage((_node, message) => received.push(timeOf(message)));
    const taken: number[] = [];
    for (let i = 0; i < 3000; i++) {
      if (n1.send("n2", position(i))) taken.push(i);
      if (i % 100 === 0) await network.until("some arrive", () => received.length * 2 >= i);
    }
    await network.until("all arrive", () => received.length === taken.length);
    expect(received).toEqual(taken);
    expect(taken.length).toBeGreaterThan(1000);
  });

  it("drops messages beyond a bound instead of keeping them all", async () => {
    const { n1 } = await connected();
    let takenCount = 0;
    while (takenCount < 100_000 && n1.send("n2", position(takenCount))) takenCount += 1;
    expect(takenCount).toBeGreaterThan(100);
    expect(takenCount).toBeLessThan(10_000);
  });

  it("takes nothing for an unknown node or for itself", async () => {
    const { n1 } = await connected();
    expect(n1.send("n9", position(1))).toBe(false);
    expect(n1.send("n1", position(1))).toBe(false);
    expect(n1.isConnected("n9")).toBe(false);
  });

  it("says when a peer goes, and finds it by itself when it comes back", async () => {
    const { network, n1, n2, n3 } = await connected();
    const changes: [string, boolean][] = [];
    n1.onConnectionChanged((node, isConnected) => changes.push([node, isConnected]));
    await n2.close();
    await network.until("the loss is noticed", () => !n1.isConnected("n2"));
    expect(n1.send("n2", position(1))).toBe(false);
    expect(n1.isConnected("n3")).toBe(true);

    const again = await network.attach("n2");
    const received: [string, number][] = [];
    again.onMessage((node, message) => received.push([node, timeOf(message)]));
    await network.until("the streams come back", () =>
      [n1, n3].every((transport) => transport.isConnected("n2")),
    );
    await network.until("its own streams open", () =>
      ["n1", "n3"].every((node) => again.isConnected(node)),
    );
    n1.send("n2", position(2));
    await network.until("a message arrives", () => received.length > 0);
    expect(received).toEqual([["n1", 2]]);
    expect(changes).toEqual([
      ["n2", false],
      ["n2", true],
    ]);
  });

  it("carries a state of three megabytes without holding up other peers", async () => {
    const { network, n1, n2, n3 } = await connected();
    const state = "s".repeat(3_000_000);
    const snapshot: PeerMessage = {
      type: "snapshot",
      grid: "port",
      epoch: 1,
      leader: from,
      position: last,
      plantTimeMs: 1,
      coreVersion: "1",
      manifestHash: "b".repeat(32),
      state,
    };
    const large: PeerMessage[] = [];
    const small: number[] = [];
    n2.onMessage((_node, message) => large.push(message));
    n3.onMessage((_node, message) => small.push(timeOf(message)));
    expect(n1.send("n2", snapshot)).toBe(true);
    expect(n1.send("n3", position(1))).toBe(true);
    await network.until("both arrive", () => large.length === 1 && small.length === 1);
    expect(large).toEqual([snapshot]);
  });

  it("is silent after closing", async () => {
    const { network, n1, n2 } = await connected();
    n1.onMessage(() => expect.unreachable());
    n1.onConnectionChanged((_node, isConnected) => expect(isConnected).toBe(false));
    await n1.close();
    expect(n1.send("n2", position(1))).toBe(false);
    await network.until("the loss is noticed", () => !n2.isConnected("n1"));
  });
});

describe("gRPC transport", () => {
  const opened: (GrpcTransport | Link)[] = [];
  afterEach(async () => {
    for (const entry of opened.splice(0)) await entry.close();
  });

  async function attach(
    self: string,
    peers: readonly [node: string, port: () => number][],
    options: { readonly installation?: string; readonly listenPort?: number } = {},
  ): Promise<GrpcTransport> {
    const transport = await createGrpcTransport({
      self,
      installation: options.installation ?? "contract",
      listenHost: "127.0.0.1",
      listenPort: options.listenPort ?? 0,
      peers: peers.map(([node]) => ({ node, host: node, port: 1 })),
      dial: (host) => ({
        host: "127.0.0.1",
        port: peers.find(([node]) => node === host)?.[1]() ?? 1,
      }),
      clock: createSystemClock(),
      log: NO_LOG,
    });
    opened.push(transport);
    return transport;
  }

  it("names the port that another program has", async () => {
    const first = await attach("n1", []);
    const second = attach("n2", [], { listenPort: first.port });
    await expect(second).rejects.toThrow(
      expect.objectContaining({
        code: "REMS_PORT_IN_USE",
        message: expect.stringContaining(String(first.port)) as string,
      }),
    );
  });

  it.each([
    ["another installation", "other", "n1"],
    ["an unknown node", "contract", "n7"],
  ])("refuses streams of %s", async (_name, installation, self) => {
    const n2 = await attach("n2", [["n1", () => 1]]);
    n2.onMessage(() => expect.unreachable());
    const stranger = await attach(self, [["n2", () => n2.port]], { installation });
    const known = await attach("n1", [["n2", () => n2.port]]);
    await eventually("the known node connects", () => known.isConnected("n2"));
    expect(stranger.isConnected("n2")).toBe(false);
  });

  it("gives up a stream through which nothing passes, while others go on, and renews it", async () => {
    const to2 = await createReceiver("n2");
    const to3 = await createReceiver("n3");
    const link = await openLink("n1", "n2", to2.port);
    opened.push(link);
    const n1 = await attach("n1", [
      ["n2", () => link.port],
      ["n3", () => to3.port],
    ]);
    await eventually("both connect", () => n1.isConnected("n2") && n1.isConnected("n3"));
    link.setCut(true);
    let sentCount = 0;
    const startMs = performance.now();
    await eventually("the cut is noticed", () => {
      n1.send("n2", position(sentCount));
      if (n1.send("n3", position(sentCount))) sentCount += 1;
      return !n1.isConnected("n2");
    });
    expect(performance.now() - startMs).toBeLessThan(4000);
    await eventually("the other peer has all", () => to3.received.length === sentCount);
    link.setCut(false);
    await eventually("the stream is renewed", () => n1.isConnected("n2"));
    const heardCount = to2.received.length;
    n1.send("n2", position(-1));
    await eventually("messages pass again", () => to2.received.length > heardCount);
    expect(to2.received.at(-1)).toBe(-1);
  });

  async function createReceiver(self: string) {
    const transport = await attach(self, [["n1", () => 1]]);
    const received: number[] = [];
    transport.onMessage((_node, message) => received.push(timeOf(message)));
    return { port: transport.port, received };
  }
});
