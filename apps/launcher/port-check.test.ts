import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { expect, it } from "vitest";
import { loadManifest } from "../../configs/load-manifest.ts";
import type { Manifest } from "../../configs/manifest.ts";
import { checkPorts, portsOf } from "./port-check.ts";

const vessel = loadManifest(new URL("../../configs/vessel.toml", import.meta.url).pathname);

it("knows every port that a run listens on, each once", () => {
  const wanted = portsOf(vessel);
  expect(new Set(wanted.map(({ port }) => port)).size).toBe(wanted.length);
  expect(wanted).toHaveLength(3 * 3 + vessel.grids.flatMap((grid) => grid.devices).length);
});

it("names the port, what wanted it, and what to do", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const [node] = vessel.nodes;
  const manifest: Manifest = {
    ...vessel,
    nodes: node === undefined ? [] : [{ ...node, peerPort: 0, operatorPort: port, httpPort: 0 }],
    grids: [],
  };
  await expect(checkPorts(manifest)).rejects.toThrow(
    `Port 127.0.0.1:${port} is in use; it is for node n1, operator gRPC (operator_port). Is another R-EMS running?`,
  );
  await new Promise((resolve) => server.close(resolve));
  await expect(checkPorts(manifest)).resolves.toBeUndefined();
});
