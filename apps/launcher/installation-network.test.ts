import { expect, it } from "vitest";
import { createInstallationNetwork } from "./installation-network.ts";

/** A network whose filter refuses, as nft does, to let a port pass that is not cut. */
function network() {
  const cut = new Set<number>();
  const created = createInstallationNetwork({
    links: [
      { from: "n1", to: "n2", port: 12 },
      { from: "n2", to: "n1", port: 21 },
      { from: "n1", to: "", port: 10 },
    ],
    devicePorts: () => [100],
    filter: {
      async setCut(ports, isCut) {
        for (const port of ports) {
          if (isCut) cut.add(port);
          else if (!cut.delete(port)) throw new Error(`${port} is not cut`);
        }
      },
    },
    tellNetwork: () => {},
    simulate: () => {},
  });
  return { network: created, cut };
}

it("lets packets pass again once the last of two overlapping cuts is over", async () => {
  const { network: links, cut } = network();
  await links.setCut("n1", "all", true);
  await links.setCut("n1", "peers", true);
  await links.setCut("n1", "all", false);
  expect([...cut].sort((a, b) => a - b)).toEqual([12, 21]);
  await links.setCut("n1", "peers", false);
  expect([...cut]).toEqual([]);
});

it("a node that is started again does not end a cut that goes on", async () => {
  const { network: links, cut } = network();
  await links.setCut("n1", "peers", true);
  await links.setPower("n1", false);
  expect([...cut].sort((a, b) => a - b)).toEqual([10, 12, 21, 100]);
  await links.setPower("n1", true);
  expect([...cut].sort((a, b) => a - b)).toEqual([12, 21]);
  await links.setPower("n1", true);
  await links.setCut("n1", "peers", false);
  expect([...cut]).toEqual([]);
});
