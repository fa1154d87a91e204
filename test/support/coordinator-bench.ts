import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EtcdMembers } from "../../apps/launcher/etcd-members.ts";
import { openLink } from "../../apps/launcher/link-relay.ts";
import type { Link } from "../../apps/launcher/link-relay.ts";
import { createEmbeddedCoordinatorClient } from "../../cluster/node/embedded-coordinator-client.ts";
import { serveEmbeddedCoordinator } from "../../cluster/node/embedded-coordinator-server.ts";
import { createEmbeddedCoordinator } from "../../cluster/node/embedded-coordinator.ts";
import { openEmbeddedStore } from "../../cluster/node/embedded-store.ts";
import { createEtcdCoordinator } from "../../cluster/node/etcd-coordinator.ts";
import { NO_LOG } from "../../cluster/node/node-log.ts";
import { parseEndpoint } from "../../cluster/node/rpc-options.ts";
import { createSystemClock } from "../../cluster/node/system-clock.ts";
import { RemsError } from "../../kernel/errors.ts";
import type { Coordinator } from "../../kernel/ports/coordinator.ts";
import { createMemoryCoordinator } from "../../sim/ports/memory-coordinator.ts";
import { createVirtualClock } from "../../sim/ports/virtual-clock.ts";
import { eventually } from "./eventually.ts";

/** One coordinator with any number of clients, as the contract's suite needs it. */
export interface CoordinatorBench {
  readonly kind: "etcd" | "embedded";
  client(node: string): Coordinator;
  /** Cuts every client off, or ends that; null where client and store are one process. */
  readonly setCut: ((isCut: boolean) => void) | null;
  until(what: string, isSo: () => boolean): Promise<void>;
  nowMs(): number;
  close(): Promise<void>;
}

export function memoryBench(): Promise<CoordinatorBench> {
  const clock = createVirtualClock();
  const store = createMemoryCoordinator({ clock });
  return Promise.resolve({
    kind: "embedded",
    client: (node) => store.client(node),
    setCut: (isCut) => store.setOutage(isCut),
    async until(what, isSo) {
      for (let i = 0; i < 20_000 && !isSo(); i++) clock.advanceBy(1);
      if (!isSo()) throw new RemsError("REMS_TIMEOUT", `${what} did not happen within 20 s`);
      await Promise.resolve();
    },
    nowMs: () => clock.monotonicMs(),
    close: () => Promise.resolve(),
  });
}

async function temporaryStore() {
  const directory = await mkdtemp(join(tmpdir(), "r-ems-store-"));
  const store = await openEmbeddedStore(join(directory, "coordinator.json"));
  return { store, remove: () => rm(directory, { recursive: true, force: true }) };
}

const real = { until: eventually, nowMs: () => performance.now() };

export async function embeddedBench(): Promise<CoordinatorBench> {
  const { store, remove } = await temporaryStore();
  const clock = createSystemClock();
  const clients: Coordinator[] = [];
  return {
    ...real,
    kind: "embedded",
    client(node) {
      const client = createEmbeddedCoordinator({ store, clock });
      client.announce(node, "test");
      clients.push(client);
      return client;
    },
    setCut: null,
    async close() {
      for (const client of clients) await client.close();
      await remove();
    },
  };
}

export async function servedBench(): Promise<CoordinatorBench> {
  const { store, remove } = await temporaryStore();
  const server = await serveEmbeddedCoordinator(store, 0);
  const link = await openLink("node", "coordinator", server.port);
  const clients: Coordinator[] = [];
  return {
    ...real,
    kind: "embedded",
    client() {
      const endpoint = `127.0.0.1:${link.port}`;
      const client = createEmbeddedCoordinatorClient({ endpoint, clock: createSystemClock() });
      clients.push(client);
      return client;
    },
    setCut: (isCut) => link.setCut(isCut),
    async close() {
      for (const client of clients) await client.close();
      link.close();
      await server.close();
      await remove();
    },
  };
}

let installationCount = 0;

/** Each bench is an installation of its own in the same cluster. */
export async function etcdBench(members: EtcdMembers): Promise<CoordinatorBench> {
  const links: Link[] = [];
  for (const endpoint of members.endpoints) {
    links.push(await openLink("node", endpoint, parseEndpoint(endpoint).port));
  }
  installationCount += 1;
  const installation = `contract${installationCount}`;
  const clients: Coordinator[] = [];
  return {
    ...real,
    kind: "etcd",
    client() {
      const client = createEtcdCoordinator({
        installation,
        endpoints: members.endpoints,
        dial: (host, port) => {
          const link = links.find(({ to }) => to === `${host}:${port}`);
          return { host, port: link?.port ?? port };
        },
        clock: createSystemClock(),
        log: NO_LOG,
      });
      clients.push(client);
      return client;
    },
    setCut(isCut) {
      for (const link of links) link.setCut(isCut);
    },
    async close() {
      for (const client of clients) await client.close();
      for (const link of links) link.close();
    },
  };
}
