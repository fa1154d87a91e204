import { type ApiHandle, startApi } from "../../../api/api.ts";
import type { ApiGridStatus } from "../../../api/api-messages.ts";
import { loadManifest } from "../../../configs/load-manifest.ts";
import type { DeviceConfig, Manifest } from "../../../configs/manifest.ts";
import { present } from "../../../kernel/assert.ts";
import { type EncodedFrame, encodeFrame, type Frame } from "../../../kernel/frame.ts";
import { HASH_NONE } from "../../../kernel/hash.ts";

const vessel = loadManifest(new URL("../../../configs/vessel.toml", import.meta.url).pathname);

const self = { node: "n1", incarnation: "a".repeat(32) };

/** Of port, with authority. */
const LEADS: ApiGridStatus = {
  role: "leading",
  epoch: 1,
  leader: self,
  inSync: [self],
  hasAuthority: true,
};

export interface TestNode {
  readonly api: ApiHandle;
  /** What it said of the leadership of port. */
  readonly leads: ApiGridStatus;
  /** Option that names it. */
  readonly option: string;
  readonly manifest: Manifest;
  device(id: string): DeviceConfig;
  /** Hands the next frame of grid port to the API, as the control loop does. */
  step(changes?: Partial<Frame>): void;
  close(): Promise<void>;
}

/** The operator's service of node n1 of the example vessel, which leads port; its frames come from the test. */
export async function openTestNode(
  manifest: Manifest = vessel,
  modbusPort?: number,
): Promise<TestNode> {
  const api = await startApi({
    manifest,
    node: "n1",
    version: "0.1.0",
    operatorPort: 0,
    httpPort: 0,
    ...(modbusPort === undefined ? {} : { modbusPort }),
    onSnapshotNeeded: () => {},
    onHealthChanged: () => {},
  });
  let last: EncodedFrame | null = null;
  const step = (changes: Partial<Frame> = {}): void => {
    const sequence = (last?.position.sequence ?? 0) + 1;
    last = encodeFrame({
      grid: "port",
      epoch: 1,
      sequence,
      previousHash: last?.position.hash ?? HASH_NONE,
      plantTimeMs: sequence * 100,
      wallTimeMs: 1_700_000_000_000,
      isFirstOfEpoch: sequence === 1,
      points: [],
      connections: [],
      fates: [],
      requests: [],
      messages: [],
      facts: [],
      leadership: null,
      ...changes,
    });
    api.onFrame(last);
  };
  step({ leadership: { leader: self, inSync: [self], origin: "cold" } });
  api.onStatus("port", LEADS);
  const devices = manifest.grids.flatMap((grid) => grid.devices);
  return {
    api,
    leads: LEADS,
    option: `--address=127.0.0.1:${api.operatorPort}`,
    manifest,
    device: (id) =>
      present(
        devices.find((one) => one.id === id),
        "a device of the vessel",
      ),
    step,
    close: () => api.close(),
  };
}
