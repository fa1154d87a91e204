import { join } from "node:path";
import { serveEmbeddedCoordinator } from "../../cluster/node/embedded-coordinator-server.ts";
import { openEmbeddedStore } from "../../cluster/node/embedded-store.ts";
import { LineReader } from "../../sim/simulator/line-reader.ts";
import type { EtcdMembers } from "./etcd-members.ts";
import { startEtcdMembers } from "./etcd-members.ts";
import type { Link } from "./link-relay.ts";
import { openLink } from "./link-relay.ts";
import { networkCommand } from "./network-protocol.ts";
import type { NetworkMessage, ReceivedNetworkCommand } from "./network-protocol.ts";

/**
 * The network between the nodes, and what they agree through, as a process of its own: drawing a picture, or a terminal that takes no
 * more text, must not delay heartbeats; and etcd ends with the launcher even where that is killed.
 */

type Begin = Extract<ReceivedNetworkCommand, { type: "begin" }>;
type EtcdRequest = Extract<ReceivedNetworkCommand, { type: "etcd" }>;

interface Coordinator {
  readonly kind: "etcd" | "embedded";
  readonly endpoints: readonly string[];
  stop(): Promise<void>;
}

const ETCD_MEMBER_COUNT = 3;

const links: Link[] = [];
/** Of what passes each node's links; a link between two nodes has both. */
const delaysMs = new Map<string, number>();
let coordinator: Coordinator | null = null;
let etcd: EtcdMembers | null = null;
let begun: Promise<unknown> = Promise.resolve();
const abort = new AbortController();
let isStopping = false;

const send = (message: NetworkMessage) => process.stdout.write(`${JSON.stringify(message)}\n`);

async function startCoordinator(command: Begin): Promise<Coordinator> {
  const { etcdProgram, etcdTimings, directory } = command;
  if (etcdProgram !== null) {
    const members = await startEtcdMembers({
      program: etcdProgram,
      directory,
      count: ETCD_MEMBER_COUNT,
      timings: etcdTimings,
      signal: abort.signal,
    });
    etcd = members;
    return { kind: "etcd", endpoints: members.endpoints, stop: () => members.stop() };
  }
  const store = await openEmbeddedStore(join(directory, "coordinator.json"));
  const server = await serveEmbeddedCoordinator(store, 0);
  return {
    kind: "embedded",
    endpoints: [`127.0.0.1:${server.port}`],
    stop: () => server.close(),
  };
}

async function begin(command: Begin): Promise<void> {
  const started = await startCoordinator(command);
  coordinator = started;
  if (isStopping) return;
  const maps: Record<string, Record<string, string>> = {};
  for (const { id } of command.nodes) {
    const map: Record<string, string> = {};
    for (const peer of command.nodes) {
      if (peer.id === id) continue;
      const link = await openLink(id, peer.id, peer.peerPort);
      links.push(link);
      map[`${peer.host}:${peer.peerPort}`] = `127.0.0.1:${link.port}`;
    }
    for (const endpoint of started.endpoints) {
      const link = await openLink(id, "", Number(endpoint.slice(endpoint.lastIndexOf(":") + 1)));
      links.push(link);
      map[endpoint] = `127.0.0.1:${link.port}`;
    }
    maps[id] = map;
  }
  send({
    type: "ready",
    kind: started.kind,
    endpoints: [...started.endpoints],
    maps,
    links: links.map(({ from, to, port }) => ({ from, to, port })),
  });
}

async function tellEtcd({ requestId, action, member }: EtcdRequest): Promise<void> {
  const done = (index: number, problem: string | null) =>
    send({ type: "done", requestId, member: index, problem });
  if (etcd === null) {
    done(member, "there is no etcd here: the coordinator is embedded");
    return;
  }
  try {
    const index = action === "leader" ? await etcd.leader() : member;
    if (action === "kill") etcd.kill(index);
    if (action === "restart") await etcd.restart(index);
    done(index, null);
  } catch (error) {
    done(member, error instanceof Error ? error.message : String(error));
  }
}

function execute(line: string): void {
  const command = networkCommand.parse(JSON.parse(line));
  if (command.type === "cutPorts") {
    for (const link of links) if (command.ports.includes(link.port)) link.setCut(command.isCut);
    return;
  }
  if (command.type === "delay") {
    delaysMs.set(command.node, command.delayMs);
    const of = (node: string) => delaysMs.get(node) ?? 0;
    for (const link of links) link.setDelay(of(link.from) + of(link.to));
    return;
  }
  if (command.type === "etcd") {
    void tellEtcd(command);
    return;
  }
  begun = begin(command).catch((error: unknown) => {
    send({ type: "failed", text: error instanceof Error ? error.message : String(error) });
  });
}

function stop(): void {
  if (isStopping) return;
  isStopping = true;
  abort.abort();
  for (const link of links) link.close();
  // Members of etcd that are just starting must not be left behind: `begin` ends them once it has them.
  const gone = begun.then(() => coordinator?.stop());
  void gone.catch(() => {}).finally(() => process.exit(0));
}

const lines = new LineReader(execute);
process.stdin.on("data", (chunk: Buffer) => lines.push(chunk));
process.stdin.on("end", stop);
process.stdin.on("error", stop);
process.stdout.on("error", stop);
process.on("SIGTERM", stop);
process.on("SIGINT", () => {});
