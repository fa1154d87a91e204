import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Manifest } from "../../configs/manifest.ts";

/**
 * The manifest of one more node that only looks on: it leads a record of its own, computes, explains and journals every output, and
 * writes nothing. This is how R-EMS is put beside a running plant.
 *
 * @param manifest - The plant's manifest. Devices and ratings stay; nodes, coordinator and control mode change.
 */
export function observerManifest(
  manifest: Manifest,
  ports: { readonly operatorPort: number; readonly httpPort: number },
): Manifest {
  const node = {
    id: "observer",
    host: "127.0.0.1",
    peerPort: 0,
    modbusPort: null,
    ...ports,
    dataDirectory: join(tmpdir(), `r-ems-observer-${manifest.installation.id}`),
  };
  return {
    ...manifest,
    nodes: [node],
    coordinator: { kind: "embedded", endpoints: [] },
    grids: manifest.grids.map((grid) => ({
      ...grid,
      control: "observe",
      controllers: [{ node: node.id, role: "primary", failoverOrder: 1 }],
    })),
  };
}
