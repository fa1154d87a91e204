import { createGridCore, type PlannedGridCore } from "../../actors/grid/grid-core.ts";
import type { GridState } from "../../actors/grid/grid-state.ts";
import { why } from "../../actors/grid/why.ts";
import { devicesReadBy } from "../../configs/manifest-queries.ts";
import type { Manifest } from "../../configs/manifest.ts";
import { present } from "../../kernel/assert.ts";
import { encodeCanonical } from "../../kernel/canonical.ts";
import type { CommandFate, CommandOutput, OperatorRequest } from "../../kernel/command.ts";
import type { CoreOutputs } from "../../kernel/core.ts";
import type { FactSample, Frame, LeadershipOrigin } from "../../kernel/frame.ts";
import type { GridMessage } from "../../kernel/grid-message.ts";
import type { PointSample, PointValue } from "../../kernel/point.ts";
import { Plant, PLANT_STEP_MS } from "../../sim/plant/plant.ts";
import type { PlantEvent } from "../../sim/plant/plant-device.ts";
import type { PlantSpecs } from "../../sim/plant/plant-spec.ts";

/** What becomes of the outputs of the scan with which a leader dies. */
export type LastOutputs = "issued" | "lost";

interface BenchGrid {
  readonly id: string;
  readonly core: PlannedGridCore;
  state: GridState;
  epoch: number;
  sequence: number;
  origin: LeadershipOrigin | null;
  readonly sent: Map<string, string>;
  requests: OperatorRequest[];
  fates: CommandFate[];
  facts: Map<string, FactSample[1]>;
  newFacts: Set<string>;
  inbox: GridMessage[];
  /** No frame before: the leader died and its successor has not taken over. */
  silentUntilMs: number;
  unwantedCount: number;
}

const TICK_MS = 100;
/** The start of a quarter of an hour. */
const WALL_START_MS = 1_699_999_200_000;
/** From the death of a leader to the first frame of its successor. */
const TAKEOVER_MS = 300;
const PERMIT_MS = 8000;

/** What was given and what it did, for tests to count. */
export interface BenchLine {
  readonly atMs: number;
  readonly grid: string;
  readonly text: string;
}

export interface PlantBenchOptions {
  readonly seed?: number;
  /** Grids whose leaders have no quorum: nobody grants them a permit. */
  readonly withoutPermit?: readonly string[];
}

/**
 * The simulated plant in closed loop with the cores of all its grids, in virtual time: drivers, replication and network are left
 * out, a leader's death is what it is to the core (its outputs issued or lost, their fates unknown, a new epoch after some scans).
 */
export class PlantBench {
  readonly plant: Plant;
  readonly commands: (BenchLine & { readonly device: string; readonly command: string })[] = [];
  readonly transitions: BenchLine[] = [];
  readonly events: PlantEvent[] = [];
  readonly #grids: ReadonlyMap<string, BenchGrid>;
  readonly #manifest: Manifest;
  readonly #options: PlantBenchOptions;
  #holder = "";
  #heldUntilMs = 0;
  readonly #kills: { grid: string; atMs: number; last: LastOutputs }[] = [];
  #requestCount = 0;

  constructor(manifest: Manifest, specs: PlantSpecs, options: PlantBenchOptions = {}) {
    this.#manifest = manifest;
    this.#options = options;
    this.plant = new Plant(manifest, specs, options.seed ?? 1);
    this.#grids = new Map(
      manifest.grids.map((grid) => {
        const core = createGridCore(manifest, grid.id);
        const state: BenchGrid = {
          id: grid.id,
          core,
          state: core.initial(),
          epoch: 1,
          sequence: 0,
          origin: "hot",
          sent: new Map(),
          requests: [],
          fates: [],
          facts: new Map(),
          newFacts: new Set(),
          inbox: [],
          silentUntilMs: 0,
          unwantedCount: 3,
        };
        return [grid.id, state];
      }),
    );
  }

  get nowMs(): number {
    return this.plant.plantMs;
  }

  state(grid: string): GridState {
    return this.#grid(grid).state;
  }

  core(grid: string): PlannedGridCore {
    return this.#grid(grid).core;
  }

  /** State of a device's machine. */
  stateOf(device: string): string {
    const grid = this.#gridOf(device);
    const { plan } = grid.core;
    const address = `grids/${grid.id}/devices/${device}`;
    const index = plan.tree.indexByAddress.get(address) ?? -1;
    return present(grid.state.tree.actors[index], `the actor of ${device}`).snapshot.state;
  }

  why(grid: string, device = ""): string {
    const { core, state } = this.#grid(grid);
    const actor = device === "" ? `grids/${grid}` : `grids/${grid}/devices/${device}`;
    return why(core, state, actor).join(" | ");
  }

  alarms(grid: string): string[] {
    return this.#grid(grid).state.alarmBook.entries.map(({ code }) => code);
  }

  isClosed(device: string): boolean {
    return this.plant.points(device)["isClosed"] === true;
  }

  /** The leader dies with the scan at `atMs`. */
  killAt(grid: string, atMs: number, last: LastOutputs): void {
    this.#kills.push({ grid, atMs, last });
  }

  run(seconds: number): void {
    for (let i = 0; i < Math.round(seconds * 10); i++) this.tick();
  }

  /** @returns Seconds until it held; null where it did not within `secondsMax`. */
  runUntil(isTrue: () => boolean, secondsMax: number): number | null {
    const startMs = this.nowMs;
    while (!isTrue()) {
      if (this.nowMs - startMs >= secondsMax * 1000) return null;
      this.tick();
    }
    return (this.nowMs - startMs) / 1000;
  }

  request(
    grid: string,
    device: string,
    command: string,
    values: Readonly<Record<string, PointValue>> = {},
    role: OperatorRequest["role"] = "operator",
  ): { readonly isAccepted: boolean; readonly reason: string } {
    this.#requestCount += 1;
    const requestId = `r${this.#requestCount}`;
    const actor = device === "" ? `grids/${grid}` : `grids/${grid}/devices/${device}`;
    const entry = this.#grid(grid);
    entry.requests.push({ requestId, role, user: "test", actor, command, arguments: values });
    this.tick();
    const reply = entry.state.answered.find((answered) => answered.requestId === requestId);
    return present(reply, "a request is answered in its scan");
  }

  tick(): void {
    for (let ms = 0; ms < TICK_MS; ms += PLANT_STEP_MS) this.plant.step();
    this.events.push(...this.plant.takeEvents());
    const messages: GridMessage[] = [];
    for (const grid of this.#grids.values()) {
      if (this.nowMs >= grid.silentUntilMs) messages.push(...this.#scan(grid));
    }
    for (const message of messages) this.#grids.get(message.toGrid)?.inbox.push(message);
  }

  #grid(id: string): BenchGrid {
    return present(this.#grids.get(id), `grid ${id}`);
  }

  #gridOf(device: string): BenchGrid {
    const owner = this.#manifest.grids.find(({ devices }) =>
      devices.some(({ id }) => id === device),
    );
    return this.#grid(present(owner, `a grid has ${device}`).id);
  }

  #scan(grid: BenchGrid): readonly GridMessage[] {
    const isFirst = grid.origin !== null;
    grid.sequence += 1;
    const frame: Frame = {
      grid: grid.id,
      epoch: grid.epoch,
      sequence: grid.sequence,
      previousHash: "",
      plantTimeMs: this.nowMs,
      wallTimeMs: WALL_START_MS + this.nowMs,
      isFirstOfEpoch: isFirst,
      points: this.#pointsOf(grid),
      connections: [],
      fates: grid.fates,
      requests: grid.requests,
      messages: grid.inbox,
      facts: [...grid.newFacts].sort().map((fact) => [fact, grid.facts.get(fact) ?? false]),
      leadership: grid.origin === null ? null : leadershipOf(grid.origin),
    };
    grid.origin = null;
    grid.fates = [];
    grid.requests = [];
    grid.inbox = [];
    grid.newFacts = new Set();
    const { state, outputs } = grid.core.step(grid.state, frame);
    grid.state = state;
    for (const { actor, from, to, reason } of outputs.transitions) {
      const text = `${actor.split("/").at(-1)} ${from} > ${to}: ${reason}`;
      this.transitions.push({ atMs: this.nowMs, grid: grid.id, text });
    }
    const kill = this.#kills.find(({ grid: id, atMs }) => id === grid.id && atMs === this.nowMs);
    if (kill === undefined) {
      this.#issue(grid, outputs, true);
      return outputs.messages;
    }
    if (kill.last === "issued") this.#issue(grid, outputs, false);
    grid.epoch += 1;
    grid.origin = "hot";
    grid.sent.clear();
    grid.fates = [];
    grid.unwantedCount = 3;
    grid.facts.clear();
    grid.silentUntilMs = this.nowMs + TAKEOVER_MS;
    return kill.last === "issued" ? outputs.messages : [];
  }

  #pointsOf(grid: BenchGrid): PointSample[] {
    const samples: PointSample[] = [];
    for (const { device } of devicesReadBy(this.#manifest, grid.id)) {
      const points = this.plant.points(device.id);
      for (const { point, access } of device.profile.points) {
        const value = points[point];
        if (access === "write" || value === undefined) continue;
        const id = `${device.id}.${point}`;
        const rounded = typeof value === "number" ? Math.round(value * 1000) / 1000 + 0 : value;
        const text = String(rounded);
        if (grid.sent.get(id) === text) continue;
        grid.sent.set(id, text);
        samples.push([id, rounded, "good"]);
      }
    }
    return samples;
  }

  #issue(grid: BenchGrid, outputs: CoreOutputs, isAlive: boolean): void {
    for (const { device, point, value } of outputs.levels) {
      if (typeof value === "number") this.plant.device(device).setLevel(point, value);
    }
    for (const command of outputs.commands) this.#execute(grid, command, isAlive);
    if (isAlive) this.#permit(grid, outputs.isDeadBusPermitWanted === true);
  }

  #execute(
    grid: BenchGrid,
    { id, device, command, reason }: CommandOutput,
    isAlive: boolean,
  ): void {
    const refusal = this.plant.command(device, command);
    const text = `${device} ${command}: ${refusal ?? reason}`;
    this.commands.push({ atMs: this.nowMs, grid: grid.id, device, command, text });
    const fate = refusal === null ? "confirmed" : "failed";
    if (isAlive) grid.fates.push({ id, fate, reason: refusal ?? "done" });
  }

  /** One permit for all, as the coordinator keeps it. */
  #permit(grid: BenchGrid, isWanted: boolean): void {
    const tell = (fact: string, value: FactSample[1]) => {
      if (grid.facts.get(fact) === value) return;
      grid.facts.set(fact, value);
      grid.newFacts.add(fact);
    };
    if (!isWanted) {
      if (grid.unwantedCount === 0) tell("deadBusPermit.untilMs", 0);
      grid.unwantedCount = Math.min(3, grid.unwantedCount + 1);
      if (grid.unwantedCount === 3 && this.#holder === grid.id) this.#holder = "";
      return;
    }
    grid.unwantedCount = 0;
    if (this.#options.withoutPermit?.includes(grid.id) === true) {
      tell("deadBusPermit.text", "no answer: no quorum");
      return;
    }
    const isFree = this.#holder === "" || this.nowMs > this.#heldUntilMs * 1.1;
    if (isFree || this.#holder === grid.id) {
      this.#holder = grid.id;
      this.#heldUntilMs = this.nowMs + PERMIT_MS;
      tell("deadBusPermit.untilMs", this.#heldUntilMs);
      tell("deadBusPermit.text", "held");
    } else tell("deadBusPermit.text", `${this.#holder} holds it`);
  }
}

function leadershipOf(origin: LeadershipOrigin) {
  const inSync = ["n1", "n2"].map((node) => ({ node, incarnation: "0".repeat(32) }));
  return { leader: present(inSync[0], "a leader"), inSync, origin };
}

/** Text of a grid's replicated state: equal texts are equal replicas. */
export function stateText(state: GridState): string {
  return encodeCanonical(state);
}
