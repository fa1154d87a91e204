import type { ActorView } from "../actors/runtime/actor-view.ts";
import type { Manifest, NodeConfig } from "../configs/manifest.ts";
import { gridsOnNode, nodeOf } from "../configs/manifest-queries.ts";
import { randomBytes } from "node:crypto";
import type { MachineDescription } from "../actors/runtime/machine-definition.ts";
import type { AlarmChange } from "../kernel/alarm.ts";
import { RemsError } from "../kernel/errors.ts";
import { resolveAddress } from "./actor-address.ts";
import type { ApiGridStatus, FeedAlarm, FeedLocalActor, FeedSnapshot } from "./api-messages.ts";
import {
  GridReplica,
  type Applied,
  type FailoverView,
  type PlacedTransition,
} from "./grid-replica.ts";
import { TransitionLog } from "./watch/transition-log.ts";

/** What happened since the last look, for streams and counters. */
export type NodeChange =
  | { readonly type: "transition"; readonly transition: PlacedTransition }
  /** A local actor is in another state; its transition came before. */
  | { readonly type: "local" }
  | { readonly type: "failover"; readonly grid: string; readonly failover: FailoverView }
  | { readonly type: "alarm"; readonly grid: string; readonly alarm: AlarmChange }
  | { readonly type: "frame"; readonly grid: string }
  | { readonly type: "status"; readonly grid: string }
  /** All that was seen of a grid may have changed. */
  | { readonly type: "gap"; readonly grid: string; readonly reason: string };

const LOCAL_ACTOR_COUNT_MAX = 1000;
const LOCAL_TRANSITION_COUNT_MAX = 32;
/** What a reader may lag behind before it is passed over. */
const LOG_COUNT_MAX = 1024;

/** Everything that the API worker knows of its node: a replica of each grid, roles, local actors. */
export class NodeView {
  readonly manifest: Manifest;
  readonly node: NodeConfig;
  readonly version: string;
  /** When this life of the node began, seconds since the process did: a node may start anew within it. */
  readonly startedAtS = process.uptime();
  readonly replicas: ReadonlyMap<string, GridReplica>;
  /** It shows the past: nothing is commanded, and no address of the plant that runs now is named. */
  readonly isReplay: boolean;
  /** The last transitions of all actors, in which readers of streams keep their places. */
  readonly transitionLog = new TransitionLog(randomBytes(4).toString("hex"), LOG_COUNT_MAX);
  /** Statecharts of the node's local actors. */
  readonly localMachines: readonly MachineDescription[];
  readonly #statuses = new Map<string, ApiGridStatus>();
  readonly #local = new Map<string, ActorView>();
  readonly #localTransitions = new Map<string, PlacedTransition[]>();
  readonly #alarms = new Map<string, FeedAlarm>();
  readonly #handlers = new Set<(change: NodeChange) => void>();

  /** @param replicas - Those of a replay; where absent the view follows its node from the beginning. */
  constructor(
    manifest: Manifest,
    node: string,
    version: string,
    replicas?: ReadonlyMap<string, GridReplica>,
    localMachines: readonly MachineDescription[] = [],
  ) {
    this.localMachines = localMachines;
    this.manifest = manifest;
    this.node = nodeOf(manifest, node);
    this.version = version;
    this.isReplay = replicas !== undefined;
    this.replicas =
      replicas ??
      new Map(gridsOnNode(manifest, node).map(({ id }) => [id, new GridReplica(manifest, id)]));
  }

  get isSimulation(): boolean {
    return this.manifest.mode === "simulation";
  }

  /** @returns A function that ends the subscription. */
  onChange(handler: (change: NodeChange) => void): () => void {
    this.#handlers.add(handler);
    return () => void this.#handlers.delete(handler);
  }

  /** @throws {@link RemsError} `REMS_NOT_FOUND` for a grid without a controller on this node. */
  replicaOf(grid: string): GridReplica {
    const replica = this.replicas.get(grid);
    if (replica !== undefined) return replica;
    const known = [...this.replicas.keys()].join(", ");
    throw new RemsError(
      grid === "" ? "REMS_REQUEST_INVALID" : "REMS_NOT_FOUND",
      `node ${this.node.id} has no controller of a grid "${grid}"; it has ${known}`,
      { details: { field: "grid" } },
    );
  }

  statusOf(grid: string): ApiGridStatus | null {
    return this.#statuses.get(grid) ?? null;
  }

  /** Alarms of this node's own that are active. */
  alarmsOf(grid: string): FeedAlarm[] {
    return [...this.#alarms.values()].filter((alarm) => alarm.grid === grid);
  }

  /** All actors: the grids' in the order of the manifest, then the local ones. */
  actors(): ActorView[] {
    const replicated = [...this.replicas.values()].flatMap((replica) => replica.views());
    return [...replicated, ...this.#local.values()];
  }

  /** Of a grid; of none, "", the local ones. */
  actorsOf(grid: string): readonly ActorView[] {
    return grid === "" ? [...this.#local.values()] : (this.replicas.get(grid)?.views() ?? []);
  }

  /** The actor with exactly this address. */
  actorAt(address: string): ActorView | undefined {
    const local = this.#local.get(address);
    if (local !== undefined) return local;
    return this.replicas
      .get(gridOfAddress(address))
      ?.views()
      .find((actor) => actor.address === address);
  }

  /** @throws {@link RemsError} `REMS_NOT_FOUND` that names what comes near. */
  actor(addressOrEnd: string): ActorView {
    const actors = this.actors();
    const address = resolveAddress(
      actors.map((actor) => actor.address),
      addressOrEnd,
    );
    const found = actors.find((actor) => actor.address === address);
    if (found !== undefined) return found;
    throw new RemsError("REMS_NOT_FOUND", `there is no actor ${addressOrEnd}`);
  }

  transitionsOf(address: string): readonly PlacedTransition[] {
    const replica = this.replicas.get(gridOfAddress(address));
    return replica?.transitionsOf(address) ?? this.#localTransitions.get(address) ?? [];
  }

  /** @returns True if the grid needs a snapshot. */
  takeFrame(text: string): string | null {
    const grid = (JSON.parse(text) as { readonly grid: string }).grid;
    const replica = this.replicas.get(grid);
    if (replica === undefined) return null;
    const wasCurrent = replica.isCurrent;
    this.announce(grid, replica.apply(text));
    if (replica.isCurrent) return null;
    if (wasCurrent) this.announceMove(grid, "frames are missing");
    return grid;
  }

  /** Tells watchers what a frame changed. */
  announce(grid: string, { transitions, failover, outputs }: Applied): void {
    for (const transition of transitions) this.#tellTransition(transition);
    if (failover !== null) this.#tell({ type: "failover", grid, failover });
    for (const alarm of outputs.alarms) this.#tell({ type: "alarm", grid, alarm });
    this.#tell({ type: "frame", grid });
  }

  /** Tells watchers that a grid is elsewhere now: they look at all of it again. */
  announceMove(grid: string, reason: string): void {
    this.transitionLog.append({ type: "gap", grid, reason });
    this.#tell({ type: "gap", grid, reason });
  }

  takeSnapshot({ grid, text, position }: FeedSnapshot): void {
    this.replicas.get(grid)?.restore(text, position);
    this.announceMove(grid, "the replica was replaced by a snapshot");
  }

  takeStatus(grid: string, status: ApiGridStatus): void {
    this.#statuses.set(grid, status);
    this.#tell({ type: "status", grid });
  }

  takeAlarm(alarm: FeedAlarm): void {
    const key = `${alarm.grid}|${alarm.code}`;
    if (alarm.isActive) this.#alarms.set(key, alarm);
    else this.#alarms.delete(key);
  }

  takeLocalActor({ view, transition }: FeedLocalActor): void {
    const isKnown = this.#local.has(view.address);
    if (!isKnown && this.#local.size >= LOCAL_ACTOR_COUNT_MAX) return;
    this.#local.set(view.address, view);
    if (transition === null) return;
    const placed = { ...transition, epoch: 0, sequence: 0, atMs: view.sinceMs };
    const list = this.#localTransitions.get(view.address) ?? [];
    list.push(placed);
    if (list.length > LOCAL_TRANSITION_COUNT_MAX) list.shift();
    this.#localTransitions.set(view.address, list);
    this.#tellTransition(placed);
    this.#tell({ type: "local" });
  }

  #tellTransition(transition: PlacedTransition): void {
    this.transitionLog.append({ type: "transition", transition });
    this.#tell({ type: "transition", transition });
  }

  #tell(change: NodeChange): void {
    for (const handler of this.#handlers) handler(change);
  }
}

/** `grids/port/devices/dg1` belongs to `port`; a local actor to none. */
export function gridOfAddress(address: string): string {
  const [root, grid] = address.split("/");
  return root === "grids" ? (grid ?? "") : "";
}
