import type { Manifest } from "../../configs/manifest.ts";
import { RemsError } from "../../kernel/errors.ts";
import type { PointValue } from "../../kernel/point.ts";
import type { WriteEntry } from "../devices/simulated-device.ts";
import { PLANT_STEP_MS, Plant } from "../plant/plant.ts";
import type { PlantEvent } from "../plant/plant-device.ts";
import type { PlantSpecs } from "../plant/plant-spec.ts";
import { DeviceServers } from "./device-servers.ts";
import type { ReceivedSimulatorCommand, SimulatorMessage } from "./protocol.ts";
import { Referee } from "./referee.ts";

export interface SimulatorOptions {
  readonly seed: number;
  readonly publicPortBase?: number | undefined;
  /** How long after a successor's first write a failover is judged, ms. */
  readonly windowMs?: number | undefined;
  /** The machine's monotonic clock, ms: the same for all processes. */
  readonly nowMs: () => number;
  readonly send: (message: SimulatorMessage) => void;
  /** Every write that reaches a device, as it comes. */
  readonly onWrite?: ((entry: WriteEntry) => void) | undefined;
}

/** After a pause of the host at most so much plant time is caught up; the rest is skipped and said. */
const CATCH_UP_MS_MAX = 200;
const SNAPSHOT_MS = 200;
const TOTALS_MS = 1000;
/** Refused writes are told at most so often per second; all of them are counted. */
const REFUSED_EVENTS_PER_S = 10;

/** Plant, devices and referee in one process. `advance` moves it to the present; whoever owns the timer calls it. */
export class Simulator {
  readonly servers: DeviceServers;
  readonly plant: Plant;
  readonly #manifest: Manifest;
  readonly #options: SimulatorOptions;
  readonly #referee: Referee;
  readonly #writers: Map<string, { writer: string; epoch: number | null }>;
  /** Instant of the clock at which plant time was 0, moved on by what was skipped. */
  #originMs: number;
  #skippedMs = 0;
  #nextSnapshotMs = 0;
  #nextTotalsMs = 0;
  readonly #inFallback = new Set<string>();

  private constructor(
    manifest: Manifest,
    plant: Plant,
    servers: DeviceServers,
    referee: Referee,
    writers: Map<string, { writer: string; epoch: number | null }>,
    options: SimulatorOptions,
  ) {
    this.#manifest = manifest;
    this.plant = plant;
    this.servers = servers;
    this.#referee = referee;
    this.#writers = writers;
    this.#options = options;
    this.#originMs = options.nowMs();
    options.send({ type: "ready", ports: servers.ports, publicPorts: servers.publicPorts });
  }

  /** @throws {@link RemsError} REMS_PORT_IN_USE or REMS_CONFIG_INVALID. */
  static async open(
    manifest: Manifest,
    specs: PlantSpecs,
    options: SimulatorOptions,
  ): Promise<Simulator> {
    const plant = new Plant(manifest, specs, options.seed);
    const gridIds = manifest.grids.map(({ id }) => id);
    const nodeIds = manifest.nodes.map(({ id }) => id);
    const referee = new Referee(gridIds, nodeIds, options.windowMs);
    const writers = new Map<string, { writer: string; epoch: number | null }>();
    let refusedSecond = 0;
    let refusedInSecondCount = 0;
    const mayTellRefusal = (atMs: number) => {
      const second = Math.floor(atMs / 1000);
      refusedInSecondCount = second === refusedSecond ? refusedInSecondCount + 1 : 1;
      refusedSecond = second;
      return refusedInSecondCount <= REFUSED_EVENTS_PER_S;
    };
    const onWrite = (entry: WriteEntry) => {
      options.onWrite?.(entry);
      const term = referee.onWrite(entry);
      const isLeading = writers.get(entry.grid)?.writer === entry.writer;
      if (term !== null || (isLeading && entry.refusal === null && entry.epoch !== null)) {
        const epoch = entry.epoch ?? term?.epoch ?? null;
        writers.set(entry.grid, { writer: entry.writer, epoch });
      }
      if (term !== null) sendEvent(plant, options, entry, "leader", `${term.writer} commands`);
      if (entry.refusal !== null && mayTellRefusal(entry.atMs)) {
        sendEvent(plant, options, entry, "refused", `${entry.writer}: ${entry.refusal}`);
      }
    };
    const servers = await DeviceServers.open(
      manifest,
      {
        points: (device) => plant.points(device),
        setLevel: (device, point, value) => plant.device(device).setLevel(point, value),
        command: (device, command) => plant.command(device, command),
        setFallback: (device, isActive) => plant.device(device).setFallback(isActive),
      },
      { publicPortBase: options.publicPortBase, nowMs: options.nowMs, onWrite },
    );
    return new Simulator(manifest, plant, servers, referee, writers, options);
  }

  /** Brings the plant to the present, tells what happened, and judges what is due. */
  advance(): void {
    const nowMs = this.#options.nowMs();
    this.#step(nowMs);
    this.servers.checkWatchdogs();
    this.#tellFallbacks();
    for (const event of this.plant.takeEvents()) this.#onPlantEvent(event, nowMs);
    for (const summary of this.#referee.tick(nowMs)) {
      this.#options.send({ type: "failover", ...summary });
    }
    if (nowMs >= this.#nextSnapshotMs) {
      this.#nextSnapshotMs = nowMs + SNAPSHOT_MS;
      this.#sendSnapshot();
    }
    if (nowMs >= this.#nextTotalsMs) {
      this.#nextTotalsMs = nowMs + TOTALS_MS;
      this.sendTotals();
    }
  }

  /** Carries out a command of the launcher. @throws {@link RemsError} where it names what is not there. */
  execute(command: ReceivedSimulatorCommand): void {
    switch (command.type) {
      case "fault.mark":
        this.#referee.onMark(command);
        return;
      case "cut":
        this.servers.link(command.node).cut("held");
        return;
      case "powerCut":
        this.servers.link(command.node).cut("dropped");
        return;
      case "heal":
        this.servers.link(command.node).heal();
        return;
      case "trip":
        this.plant.device(command.device).trip("tripped by hand");
        return;
      case "loadStep":
        this.plant.loadStep(command.device, command.deltaKw);
        return;
      case "thruster.demand":
        this.plant.setThrusterDemand(command.device, command.kw);
        return;
      case "breaker":
        this.#pressButton(command.device, command.action);
        return;
      case "tie":
        this.#pressTie(command.tie, command.action);
        return;
      case "shore.available":
        this.plant.setShoreAvailable(command.device, command.isAvailable);
        return;
      case "pv.cloud":
        this.plant.setSun(command.device, command.sunPct);
        return;
      case "grid.loss":
        this.#loseGrid(command.grid, command.isLost);
        return;
      case "switch":
        this.plant.setSwitch(command.device, command.name, command.isOn);
        return;
      case "device.fault":
        this.#setFault(command);
        return;
      case "drive":
        for (const { device, point, value } of command.values) this.#drive(device, point, value);
        return;
      case "stop":
        return;
      default:
        command satisfies never;
    }
  }

  sendTotals(): void {
    this.#options.send({
      type: "totals",
      ...this.#referee.totals(),
      outOfPhaseCount: this.plant.outOfPhaseCount,
      skippedMs: this.#skippedMs,
    });
  }

  async close(): Promise<void> {
    this.sendTotals();
    await this.servers.close();
  }

  #step(nowMs: number): void {
    const behindMs = nowMs - this.#originMs - this.plant.plantMs;
    if (behindMs > CATCH_UP_MS_MAX) {
      const skippedMs = behindMs - CATCH_UP_MS_MAX;
      this.#originMs += skippedMs;
      this.#skippedMs += skippedMs;
      const device = { grid: "", device: "" };
      const text = `the host paused: ${Math.round(skippedMs)} ms of plant time skipped`;
      sendEvent(this.plant, this.#options, device, "skipped", text);
    }
    const untilMs = nowMs - this.#originMs;
    const extremes = this.#manifest.grids.map(() => ({ min: Infinity, max: 0 }));
    let isStepped = false;
    while (this.plant.plantMs + PLANT_STEP_MS <= untilMs) {
      this.plant.step();
      isStepped = true;
      for (const [index, bus] of this.plant.buses.entries()) {
        const extreme = extremes[index];
        if (extreme === undefined) continue;
        const frequencyHz = bus.isLive ? bus.omegaPu * bus.nominalHz : 0;
        extreme.min = Math.min(extreme.min, frequencyHz);
        extreme.max = Math.max(extreme.max, frequencyHz);
      }
    }
    if (!isStepped) return;
    for (const [index, grid] of this.#manifest.grids.entries()) {
      const extreme = extremes[index];
      if (extreme === undefined) continue;
      this.#referee.onSample(grid.id, {
        atMs: nowMs,
        frequencyHzMin: extreme.min,
        frequencyHzMax: extreme.max,
      });
    }
  }

  /** What the plant can be asked for it does; any other point is served as played, whatever the plant does. */
  #drive(device: string, point: string, value: PointValue | null): void {
    if (this.plant.drive(device, point, value)) return;
    const stuck = this.servers.devices.get(device)?.faults.stuck;
    if (value === null) stuck?.delete(point);
    else stuck?.set(point, value);
  }

  #onPlantEvent(event: PlantEvent, nowMs: number): void {
    if (event.kind === "breakerClosed" || event.kind === "breakerOpened") {
      this.#referee.onMove(event.grid, { atMs: nowMs, kind: "breaker" });
    } else if (event.kind === "started" || event.kind === "stopped") {
      this.#referee.onMove(event.grid, { atMs: nowMs, kind: "startStop" });
    }
    this.#options.send({ type: "event", atMonotonicMs: nowMs, ...event });
  }

  #tellFallbacks(): void {
    for (const device of this.servers.devices.values()) {
      const { id } = device.config;
      if (device.isInFallback === this.#inFallback.has(id)) continue;
      if (device.isInFallback) this.#inFallback.add(id);
      else this.#inFallback.delete(id);
      const silence = `no master for ${device.config.profile.fallback?.watchdogMs ?? 0} ms`;
      const text = device.isInFallback
        ? `${device.wasReleased ? "given back by its master" : silence}: fallback`
        : "a master is back";
      const place = { grid: device.grid, device: id };
      sendEvent(this.plant, this.#options, place, "watchdog", text);
    }
  }

  #sendSnapshot(): void {
    this.#options.send({
      type: "plant",
      plantMs: this.plant.plantMs,
      fuelKgPerH: this.plant.fuelKgPerH(),
      grids: this.#manifest.grids.map(({ id }) => ({
        id,
        ...this.plant.grid(id),
        writer: this.#writers.get(id)?.writer ?? null,
        epoch: this.#writers.get(id)?.epoch ?? null,
      })),
      devices: this.plant.devices.map((device) => ({
        id: device.id,
        grid: device.bus.gridId,
        kind: device.kind,
        points: { ...device.points() },
        isInFallback: this.#inFallback.has(device.id),
      })),
    });
  }

  #pressButton(id: string, action: "close" | "open" | "reset"): void {
    const device = this.plant.device(id);
    if (action === "reset") {
      device.resetTrip();
      return;
    }
    const closing =
      device.kind === "feeder" || device.kind === "breaker" ? "close" : "syncAndClose";
    const refusal = device.command(action === "open" ? "open" : closing);
    if (refusal !== null) throw new RemsError("REMS_REQUEST_REFUSED", `${id}: ${refusal}`);
  }

  #pressTie(id: string, action: "close" | "open"): void {
    const tie = this.#manifest.ties.find((candidate) => candidate.id === id);
    if (tie === undefined) throw new RemsError("REMS_NOT_FOUND", `there is no tie "${id}"`);
    for (const { device } of tie.breakers) this.#pressButton(device, action);
  }

  #loseGrid(gridId: string, isLost: boolean): void {
    const grid = this.#manifest.grids.find((candidate) => candidate.id === gridId);
    if (grid === undefined) throw new RemsError("REMS_NOT_FOUND", `there is no grid "${gridId}"`);
    for (const device of grid.devices) {
      if (device.kind === "shore") this.plant.setShoreAvailable(device.id, !isLost);
    }
  }

  #setFault(command: Extract<ReceivedSimulatorCommand, { type: "device.fault" }>): void {
    const device = this.servers.devices.get(command.device);
    if (device === undefined) {
      throw new RemsError("REMS_NOT_FOUND", `there is no device "${command.device}"`);
    }
    device.faults.isSilent = command.isSilent;
    device.faults.delayMs = command.delayMs;
    device.faults.exceptions.clear();
    for (const { address, code } of command.exceptions) device.faults.exceptions.set(address, code);
  }
}

function sendEvent(
  plant: Plant,
  options: SimulatorOptions,
  place: { readonly grid: string; readonly device: string },
  kind: string,
  text: string,
): void {
  options.send({
    type: "event",
    plantMs: plant.plantMs,
    atMonotonicMs: options.nowMs(),
    grid: place.grid,
    device: place.device,
    kind,
    text,
  });
}
