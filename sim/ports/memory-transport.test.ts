import { expect, it } from "vitest";
import type { PositionRequestMessage } from "../../kernel/peer-message.ts";
import { createMemoryNetwork } from "./memory-transport.ts";
import { createSeededRandom } from "./seeded-random.ts";
import { createVirtualClock } from "./virtual-clock.ts";

const from = { node: "n1", incarnation: "0".repeat(32) };
const message = (index: number): PositionRequestMessage => ({
  type: "positionRequest",
  grid: `g${index}`,
  from,
});

function twoNodes(options: { readonly delayMsMax?: number; readonly breakProbability?: number }) {
  const clock = createVirtualClock();
  const random = createSeededRandom("network");
  const network = createMemoryNetwork({ clock, random, delayMsMin: 1, ...options });
  const [n1, n2] = [network.attach("n1"), network.attach("n2")];
  const received: string[] = [];
  n2.onMessage((_from, { grid }) => received.push(grid));
  clock.advanceBy(200);
  return { clock, network, n1, n2, received };
}

it("keeps the order of messages whose delays differ", () => {
  const { clock, n1, received } = twoNodes({ delayMsMax: 30 });
  for (let i = 0; i < 50; i++) n1.send("n2", message(i));
  clock.advanceBy(100);
  expect(received).toEqual(Array.from({ length: 50 }, (_, i) => `g${i}`));
});

it("delivers after a short cut what was sent during it, and loses it in a long one", () => {
  const { clock, network, n1, n2, received } = twoNodes({ delayMsMax: 1 });
  network.setIsolated("n2", true);
  n1.send("n2", message(0));
  clock.advanceBy(500);
  expect(received).toEqual([]);
  network.setIsolated("n2", false);
  clock.advanceBy(2000);
  expect(received).toEqual(["g0"]);
  expect(n1.isConnected("n2")).toBe(true);

  const changes: [string, boolean][] = [];
  n1.onConnectionChanged((node, isConnected) => changes.push([node, isConnected]));
  network.setIsolated("n2", true);
  n1.send("n2", message(1));
  clock.advanceBy(1500);
  expect(n1.send("n2", message(2))).toBe(false);
  expect(n2.isConnected("n1")).toBe(false);
  network.setIsolated("n2", false);
  clock.advanceBy(200);
  expect(changes).toEqual([
    ["n2", false],
    ["n2", true],
  ]);
  expect(received).toEqual(["g0"]);
});

it("breaks both streams of a link of which one direction is cut", () => {
  const { clock, network, n1, n2, received } = twoNodes({ delayMsMax: 1 });
  network.setLink("n2", "n1", { isCut: true });
  n1.send("n2", message(0));
  clock.advanceBy(900);
  expect(received).toEqual(["g0"]);
  clock.advanceBy(200);
  expect([n1.isConnected("n2"), n2.isConnected("n1")]).toEqual([false, false]);
});

it("loses messages only from the end of a broken stream", () => {
  const { clock, n1, received } = twoNodes({ delayMsMax: 20, breakProbability: 0.05 });
  const accepted: string[] = [];
  for (let i = 0; i < 400; i++) {
    if (n1.send("n2", message(i))) accepted.push(`g${i}`);
    clock.advanceBy(5);
  }
  clock.advanceBy(100);
  const kept = new Set(received);
  expect(received).toEqual(accepted.filter((name) => kept.has(name)));
  expect(received.length).toBeGreaterThan(50);
  expect(received.length).toBeLessThan(accepted.length);
});
