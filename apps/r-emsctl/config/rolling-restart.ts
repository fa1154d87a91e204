import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { Manifest } from "../../../configs/manifest.ts";
import { RemsError } from "../../../kernel/errors.ts";
import { ConfigService, InspectionService, rems } from "../../../proto/generated/rems-v1.ts";
import { OperatorClient, OperatorRefusal } from "../operator-client.ts";
import { userName } from "../terminal.ts";

const BACK_MS_MAX = 60_000;
const LOOK_MS = 250;
const ANSWER_MS_MAX = 6000;

export interface RollingRestart {
  /** The installation as it runs: where its nodes answer. */
  readonly manifest: Manifest;
  /** The nodes' new file. */
  readonly manifestText: string;
  readonly isStructural: boolean;
  readonly signal: AbortSignal;
  readonly tell: (text: string) => void;
}

/**
 * Starts each node anew with another manifest, one at a time: those that lead nothing first. The next one waits until the last is back and,
 * where the structure stays, in sync in all its grids.
 *
 * @throws {@link RemsError} `REMS_TIMEOUT` where a node does not come back: the others are left as they are.
 */
export async function restartNodes(restart: RollingRestart): Promise<void> {
  const { manifest, tell } = restart;
  const leading = new Map<string, boolean>();
  for (const { id } of manifest.nodes) leading.set(id, await isLeading(restart, id));
  const order = [...manifest.nodes].sort(
    (a, b) => Number(leading.get(a.id)) - Number(leading.get(b.id)),
  );
  for (const { id } of order) await ask(restart, id, true);
  for (const [index, { id }] of order.entries()) {
    tell(`${id}: starts anew (${index + 1} of ${order.length})`);
    const before = await uptimeMs(restart, id);
    await ask(restart, id, false);
    const tookMs = await untilBack(restart, id, before);
    tell(`${id}: back after ${(tookMs / 1000).toFixed(1)} s`);
  }
}

async function at<T>(
  { manifest }: RollingRestart,
  id: string,
  use: (client: OperatorClient) => Promise<T>,
): Promise<T> {
  const node = manifest.nodes.find((one) => one.id === id);
  if (node === undefined) throw new RemsError("REMS_NOT_FOUND", `there is no node ${id}`);
  const client = new OperatorClient(`${node.host}:${node.operatorPort}`, ANSWER_MS_MAX);
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

const status = (client: OperatorClient) =>
  client.call(InspectionService.getStatus, rems.v1.GetStatusRequest.create());

const isLeading = (restart: RollingRestart, id: string): Promise<boolean> =>
  at(restart, id, async (client) =>
    (await status(client)).grids.some(({ leader }) => leader === id),
  );

const uptimeMs = (restart: RollingRestart, id: string): Promise<number> =>
  at(restart, id, async (client) => (await status(client)).uptimeMs);

const ask = (restart: RollingRestart, id: string, validateOnly: boolean): Promise<void> =>
  at(restart, id, async (client) => {
    const request = rems.v1.RestartNodeRequest.create({
      requestId: randomUUID(),
      manifestText: restart.manifestText,
      acceptStructure: restart.isStructural,
      validateOnly,
      user: userName(),
    });
    await client.call(ConfigService.restartNode, request);
  });

async function untilBack(
  restart: RollingRestart,
  id: string,
  uptimeBeforeMs: number,
): Promise<number> {
  const startedMs = performance.now();
  for (;;) {
    const tookMs = performance.now() - startedMs;
    if (restart.signal.aborted || tookMs > BACK_MS_MAX) {
      const after = `after ${(tookMs / 1000).toFixed(0)} s`;
      throw new RemsError(
        "REMS_TIMEOUT",
        `${id} is not back and in sync ${after}; the nodes that follow were left as they are`,
      );
    }
    await wait(LOOK_MS);
    if (await isBack(restart, id, uptimeBeforeMs + tookMs)) return tookMs;
  }
}

/** It answers, is younger than it could be had it gone on, and takes its place in every grid. */
async function isBack(restart: RollingRestart, id: string, uptimeMsOld: number): Promise<boolean> {
  try {
    return await at(restart, id, async (client) => {
      const found = await status(client);
      if (found.uptimeMs >= uptimeMsOld - LOOK_MS) return false;
      return found.grids.every(({ inSync, leader }) =>
        restart.isStructural
          ? leader !== "" || (inSync ?? []).length > 0
          : (inSync ?? []).includes(id),
      );
    });
  } catch (error) {
    if (error instanceof OperatorRefusal) return false;
    throw error;
  }
}
