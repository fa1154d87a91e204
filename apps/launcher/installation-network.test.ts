import { expect, it } from "vitest";
import { NodeLink } from "../../sim/devices/node-link.ts";
import { createInstallationNetwork } from "./installation-network.ts";

/** A network of two nodes; with a filter it refuses, as nft does, to let a port pass that is not cut. */
function network(means: "packet filter" | "relays") {
  const cut = new Set<number>();
  const setCut = (ports: readonly number[], isCut: boolean) => {
    for (const port of ports) {
      if (isCut) cut.add(port);
      else if (!cut.delete(port)) throw new Error(`${port} is not cut`);
    }
  };
  const devices = new NodeLink("n1");
  const delaysMs: number[] = [];
  const created = createInstallationNetwork({
    links: [
      { from: "n1", to: "n2", port: 12 },
      { from: "n2", to: "n1", port: 21 },
      { from: "n1", to: "", port: 10 },
    ],
    devicePorts: () => [100],
    filter: means === "relays" ? null : { setCut: async (ports, isCut) => setCut(ports, isCut) },
    tellNetwork: (command) => {
      if (command.type === "cutPorts") setCut(command.ports, command.isCut);
      if (command.type === "delay") delaysMs.push(command.delayMs);
    },
    simulate: (command) => {
      if (command.type === "cut") devices.cut("held");
      if (command.type === "powerCut") devices.cut("dropped");
      if (command.type === "heal") devices.heal();
    },
  });
  return { network: created, devices, delaysMs, portsCut: () => [...cut].sort((a, b) => a - b) };
}

const MEANS = ["packet filter", "relays"] as const;

it.each(MEANS)(
  "lets packets pass again once the last of overlapping cuts is over: %s",
  async (means) => {
    const { network: links, portsCut } = network(means);
    await links.setCut("n1", "all", true);
    await links.setCut("n1", "peers", true);
    await links.setCut("n1", "peers", true);
    await links.setCut("n1", "all", false);
    expect(portsCut()).toEqual([12, 21]);
    await links.setCut("n1", "peers", false);
    expect(portsCut()).toEqual([12, 21]);
    await links.setCut("n1", "peers", false);
    expect(portsCut()).toEqual([]);
  },
);

it.each(MEANS)(
  "a node that is started again does not end a cut that goes on: %s",
  async (means) => {
    const { network: links, portsCut } = network(means);
    await links.setCut("n1", "peers", true);
    await links.setPower("n1", false);
    expect(portsCut()).toEqual(means === "relays" ? [10, 12, 21] : [10, 12, 21, 100]);
    await links.setPower("n1", true);
    expect(portsCut()).toEqual([12, 21]);
    await links.setPower("n1", true);
    await links.setCut("n1", "peers", false);
    expect(portsCut()).toEqual([]);
  },
);

it("a node that is started again does not reach devices from which it is still cut off", async () => {
  const { network: links, devices } = network("relays");
  links.setPlantCut("n1", true);
  await links.setPower("n1", false);
  expect(devices.state).toBe("dropped");
  await links.setPower("n1", true);
  expect(devices.state).toBe("held");
  await links.setPower("n1", false);
  links.setPlantCut("n1", false);
  expect(devices.state).toBe("dropped");
  await links.setPower("n1", true);
  expect(devices.state).toBe("up");
});

it("a delay that ends leaves the other one of the same node", () => {
  const { network: links, delaysMs } = network("relays");
  for (const byMs of [50, 20, -50, -20]) links.changeDelay("n1", byMs);
  expect(delaysMs).toEqual([50, 70, 20, 0]);
});
