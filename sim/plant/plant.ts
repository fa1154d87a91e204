import { assert, present } from "../../kernel/assert.ts";
import { RemsError } from "../../kernel/errors.ts";
import type { PointValue } from "../../kernel/point.ts";
import { Battery } from "./battery.ts";
import { TieBreakerDevice } from "./breaker-device.ts";
import { type Bus, createBus, wrapRad } from "./bus.ts";
import { createDevice } from "./create-device.ts";
import { Genset } from "./genset.ts";
import { type Island, solveIsland } from "./island-solution.ts";
import { findIslands } from "./islands.ts";
import { Feeder, Thruster } from "./loads.ts";
import { Meter } from "./meter.ts";
import { seededUniform } from "./noise.ts";
import {
  type PlantContext,
  type DeviceSwitch,
  type PlantDevice,
  type PlantEvent,
  type Refusal,
  isSource,
} from "./plant-device.ts";
import type { PlantLayout } from "./plant-layout.ts";
import type { PlantSpecs } from "./plant-spec.ts";
import { Pv } from "./pv.ts";
import { Shore } from "./shore.ts";

export interface GridState {
  readonly frequencyHz: number;
  readonly voltageV: number;
  readonly isLive: boolean;
  /** Drawn on this grid's busbar, kW. */
  readonly loadKw: number;
  /** Rating of its connected gensets and shore connections, kW. */
  readonly capacityKw: number;
  /** Equal for grids that are one island now. */
  readonly island: number;
}

/** Fixed step of the plant. Larger steps are not accurate for the governors' loops. */
export const PLANT_STEP_MS = 5;
/** Events that nobody took are dropped from the oldest on. */
const EVENT_COUNT_MAX = 1000;
const ANGLE_DEG_MAX = 12;

/** The whole simulated plant: advance it with {@link Plant.step}, command it through its devices. */
export class Plant {
  readonly buses: readonly Bus[];
  readonly devices: readonly PlantDevice[];
  plantMs = 0;
  /** Over the life of the plant: joins that the check relays should have prevented. */
  outOfPhaseCount = 0;
  readonly #byId: ReadonlyMap<string, PlantDevice>;
  readonly #ties: readonly TieBreakerDevice[];
  #islands: readonly Island[] = [];
  #isTopologyStale = true;
  #events: PlantEvent[] = [];
  readonly #closedBefore = new Set<string>();

  /** @throws {@link RemsError} REMS_NOT_FOUND or REMS_REQUEST_INVALID where a tie or a meter names what is not there. */
  constructor(layout: PlantLayout, specs: PlantSpecs, seed: number) {
    const stepS = PLANT_STEP_MS / 1000;
    const context: PlantContext = {
      stepS,
      stepMs: PLANT_STEP_MS,
      emit: (device, kind, text) => this.#emit(device, kind, text),
      topologyChanged: () => {
        this.#isTopologyStale = true;
      },
    };
    const uniform = seededUniform(seed);
    this.buses = layout.grids.map((grid) =>
      createBus(grid.id, grid.nominalFrequencyHz, grid.nominalVoltageV),
    );
    const devices: PlantDevice[] = [];
    for (const [index, grid] of layout.grids.entries()) {
      const bus = present(this.buses[index], "one bus per grid");
      for (const device of grid.devices) {
        devices.push(
          createDevice(
            device,
            bus,
            present(specs.get(device.id), "every device has parameters"),
            context,
            uniform,
          ),
        );
      }
    }
    this.devices = devices;
    this.#byId = new Map(devices.map((device) => [device.id, device]));
    this.#ties = this.#joinTies(layout);
    this.#connectMeters(specs);
    for (const device of devices) if (device.breaker?.isClosed) this.#closedBefore.add(device.id);
    this.#startLive();
  }

  /** Advances by one step of {@link PLANT_STEP_MS}. */
  step(): void {
    this.plantMs += PLANT_STEP_MS;
    for (const device of this.devices) device.drive();
    for (const island of this.#islands) solveIsland(island, PLANT_STEP_MS / 1000);
    for (const device of this.devices) device.settle();
    if (this.#isTopologyStale) this.#rebuild();
  }

  /** @throws {@link RemsError} REMS_NOT_FOUND. */
  device(id: string): PlantDevice {
    const device = this.#byId.get(id);
    if (device === undefined) {
      throw new RemsError("REMS_NOT_FOUND", `the plant has no device "${id}"`, {
        details: { device: id },
      });
    }
    return device;
  }

  points(id: string): Readonly<Record<string, PointValue>> {
    return this.device(id).points();
  }

  /** A command that came over the wire. */
  command(id: string, name: string): Refusal {
    const device = this.device(id);
    if (!device.isRemoteSelected) return "the selector stands on local";
    return device.command(name);
  }

  grid(id: string): GridState {
    const bus = this.#bus(id);
    let loadKw = 0;
    let capacityKw = 0;
    for (const device of this.devices) {
      if (device.bus !== bus) continue;
      loadKw += device.loadKw;
      const isCapacity = device.kind === "genset" || device.kind === "shore";
      if (isCapacity && isSource(device) && device.breaker.isClosed) capacityKw += device.ratedKw;
    }
    return {
      frequencyHz: bus.isLive ? bus.omegaPu * bus.nominalHz : 0,
      voltageV: bus.voltagePu * bus.nominalV,
      isLive: bus.isLive,
      loadKw,
      capacityKw,
      island: bus.island,
    };
  }

  /** The events since the last call. */
  takeEvents(): PlantEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Adds to what a feeder's consumers draw. */
  loadStep(id: string, deltaKw: number): void {
    const device = this.device(id);
    if (!(device instanceof Feeder)) throw wrongKind(id, "feeder");
    device.demandKw = Math.max(0, device.demandKw + deltaKw);
    this.#emit(id, "loadStep", `load step ${deltaKw} kW`);
  }

  /** What a feeder's consumers would draw without noise and limit, kW. */
  demandOf(id: string): number {
    const device = this.device(id);
    if (!(device instanceof Feeder)) throw wrongKind(id, "feeder");
    return device.demandKw;
  }

  setThrusterDemand(id: string, kw: number): void {
    const device = this.device(id);
    if (!(device instanceof Thruster)) throw wrongKind(id, "thruster");
    device.setDemand(kw);
  }

  setShoreAvailable(id: string, isAvailable: boolean): void {
    const device = this.device(id);
    if (!(device instanceof Shore)) throw wrongKind(id, "shore");
    device.setAvailable(isAvailable);
  }

  setSun(id: string, sunPct: number): void {
    const device = this.device(id);
    if (!(device instanceof Pv)) throw wrongKind(id, "pv");
    device.sunPct = Math.min(100, Math.max(0, sunPct));
  }

  /** A motor behind a feeder starts direct on line. */
  startMotor(id: string, ratedKw: number): void {
    const device = this.device(id);
    if (!(device instanceof Feeder)) throw wrongKind(id, "feeder");
    device.startMotor(ratedKw);
  }

  /** What an engine can give from now on, percent of its rating. */
  setDerating(id: string, deratedPct: number): void {
    const device = this.device(id);
    if (!(device instanceof Genset)) throw wrongKind(id, "genset");
    device.deratedPct = Math.min(100, Math.max(0, deratedPct));
  }

  /**
   * Takes a recorded value of a point as what the plant is to do: consumers draw it, the sun gives it. Null gives the device back to
   * itself.
   * @returns False where the point follows from the plant and cannot be asked of it.
   */
  drive(id: string, point: string, value: PointValue | null): boolean {
    const device = this.device(id);
    if (value !== null && typeof value !== "number") return false;
    if (device instanceof Feeder && point === "activePowerKw") {
      device.drivenKw = value;
    } else if (device instanceof Thruster && (point === "demandKw" || point === "activePowerKw")) {
      device.setDemand(value ?? 0);
    } else if (
      device instanceof Pv &&
      (point === "activePowerKw" || point === "availablePowerKw")
    ) {
      if (value !== null) device.setAvailable(value);
    } else return false;
    return true;
  }

  /**
   * A switch or a fault at the device, as a person or a defect sets it: `isRemoteSelected` at every device; at gensets
   * `isStartBlocked`, `isEmergencyStop`, `hasFuelFault`; at batteries `isBmsFault`, `isGasOrFire`, `isEmergencyStop`; at shore
   * connections `isEmergencyStop`; at everything with a breaker `failsToClose`, `failsToOpen`; at gensets `isGovernorStuck`; at drives
   * `failsToRun`.
   *
   * @throws {@link RemsError} REMS_REQUEST_INVALID where the device has no such switch.
   */
  setSwitch(id: string, name: DeviceSwitch, isOn: boolean): void {
    const owner = this.device(id);
    const isOfBreaker =
      name === "failsToClose" || name === "failsToOpen" || name === "isShortCircuit";
    const device: Partial<Record<DeviceSwitch, boolean>> = isOfBreaker
      ? (owner.breaker ?? {})
      : owner;
    if (typeof device[name] !== "boolean") {
      throw new RemsError("REMS_REQUEST_INVALID", `"${id}" has no switch "${name}"`);
    }
    device[name] = isOn;
    if (name === "isShortCircuit" && isOn) owner.trip("short circuit");
  }

  /** Fuel burnt by all sets now, kg/h. */
  fuelKgPerH(): number {
    let sum = 0;
    for (const device of this.devices) {
      if (device instanceof Genset) sum += device.fuelKgPerH();
    }
    return sum;
  }

  #bus(gridId: string): Bus {
    const bus = this.buses.find((candidate) => candidate.gridId === gridId);
    if (bus === undefined) {
      throw new RemsError("REMS_NOT_FOUND", `the plant has no grid "${gridId}"`);
    }
    return bus;
  }

  #emit(deviceId: string, kind: PlantEvent["kind"], text: string): void {
    const device = this.#byId.get(deviceId);
    const grid = device?.bus.gridId ?? deviceId;
    this.#events.push({ plantMs: this.plantMs, grid, device: deviceId, kind, text });
    if (this.#events.length > EVENT_COUNT_MAX) this.#events.shift();
  }

  #joinTies(layout: PlantLayout): TieBreakerDevice[] {
    const ends: TieBreakerDevice[] = [];
    for (const tie of layout.ties) {
      const [a, b] = tie.breakers.map((end) => this.device(end.device));
      if (!(a instanceof TieBreakerDevice) || !(b instanceof TieBreakerDevice)) {
        throw wrongKind(tie.breakers.map((end) => end.device).join(", "), "busTie");
      }
      a.far = b;
      b.far = a;
      a.flowKw = () => this.#flowKw(a);
      b.flowKw = () => -this.#flowKw(a);
      ends.push(a, b);
    }
    return ends;
  }

  #connectMeters(specs: PlantSpecs): void {
    for (const meter of this.devices) {
      if (!(meter instanceof Meter)) continue;
      const parameters = specs.get(meter.id);
      const target = parameters?.kind === "meter" ? parameters.spec.measures : undefined;
      if (target !== undefined) {
        const measured = this.device(target);
        meter.measure = () =>
          isSource(measured)
            ? [measured.electricalKw, measured.reactiveKvar]
            : [measured.loadKw, measured.loadKvar];
      } else meter.measure = () => this.#busPower(meter.bus);
    }
  }

  #busPower(bus: Bus): readonly [number, number] {
    let activeKw = 0;
    let reactiveKvar = 0;
    for (const device of this.devices) {
      if (device.bus !== bus || !isSource(device) || !device.breaker.isClosed) continue;
      activeKw += device.electricalKw;
      reactiveKvar += device.reactiveKvar;
    }
    return [activeKw, reactiveKvar];
  }

  /**
   * Power from the tie's own side into it: what that side's sources feed more than its loads draw. Exact where ties form a
   * chain; where they form a ring, each tie of the ring shows the surplus of the same side.
   */
  #flowKw(tie: TieBreakerDevice): number {
    const side = new Set<Bus>([tie.bus]);
    for (let pass = 0; pass < this.buses.length; pass += 1) {
      for (const end of this.#ties) {
        if (end === tie || end === tie.far || end.far === null || !end.isConducting) continue;
        if (side.has(end.bus)) side.add(end.far.bus);
      }
    }
    let surplusKw = 0;
    for (const device of this.devices) {
      if (!side.has(device.bus)) continue;
      if (!isSource(device)) surplusKw -= device.loadKw;
      else if (device.breaker.isClosed) surplusKw += device.electricalKw;
    }
    return surplusKw;
  }

  /** Finds the islands anew; following batteries take over where the last forming source went. */
  #rebuild(): void {
    const liveBefore = this.buses.map((bus) => bus.isLive);
    for (let pass = 0; this.#isTopologyStale; pass += 1) {
      assert(pass < 4, "finding the islands settles");
      this.#isTopologyStale = false;
      const { islands, outOfPhase } = findIslands(this.buses, this.devices, this.#ties);
      this.#islands = islands;
      for (const join of outOfPhase) this.#outOfPhase(join.grids[0], join.angleDeg);
      for (const island of islands) {
        if (island.buses[0]?.isLive) continue;
        for (const source of island.sources) {
          if (source instanceof Battery) source.takeOverBus();
        }
      }
    }
    this.#checkNewlyClosed(liveBefore);
    for (const [index, bus] of this.buses.entries()) {
      if (liveBefore[index] === bus.isLive) continue;
      this.#emit(bus.gridId, bus.isLive ? "live" : "blackout", bus.isLive ? "live" : "dark");
    }
  }

  /** A turning source that came onto a live busbar must have been in step; onto a dead one it brings its angle. */
  #checkNewlyClosed(liveBefore: readonly boolean[]): void {
    /** The first that came onto each dead island in this step: a second one beside it is not in step with it. */
    const firstOnDead = new Map<number, Genset | Shore>();
    for (const device of this.devices) {
      const isClosed = device.breaker?.isClosed === true;
      const isNew = isClosed && !this.#closedBefore.has(device.id);
      if (isClosed) this.#closedBefore.add(device.id);
      else this.#closedBefore.delete(device.id);
      if (!isNew || !(device instanceof Genset || device instanceof Shore)) continue;
      const index = this.buses.indexOf(device.bus);
      if (liveBefore[index] === true) {
        const errorRad = wrapRad(device.angleRad - device.bus.angleRad);
        const errorDeg = (Math.abs(errorRad) * 180) / Math.PI;
        if (errorDeg > ANGLE_DEG_MAX) this.#outOfPhase(device.id, errorDeg);
        continue;
      }
      const first = firstOnDead.get(device.bus.island);
      if (first === undefined) {
        firstOnDead.set(device.bus.island, device);
        device.bus.angleRad = device.angleRad;
      } else {
        const errorRad = wrapRad(device.angleRad - first.angleRad);
        this.#outOfPhase(device.id, (Math.abs(errorRad) * 180) / Math.PI);
      }
    }
  }

  #outOfPhase(id: string, angleDeg: number): void {
    this.outOfPhaseCount += 1;
    this.#emit(id, "outOfPhaseClose", `joined ${Math.round(angleDeg)}° out of phase`);
  }

  /** What is closed at start has run for long: nominal voltage, no events. */
  #startLive(): void {
    this.#rebuild();
    for (const bus of this.buses) {
      bus.omegaPu = 1;
      bus.voltagePu = bus.isLive ? 1 : 0;
    }
    for (const device of this.devices) device.drive();
    for (const island of this.#islands) {
      for (const load of island.loads) {
        island.loadKw += load.loadKw;
        island.loadKvar += load.loadKvar;
      }
      solveIsland(island, PLANT_STEP_MS / 1000);
    }
    this.#events = [];
  }
}

function wrongKind(id: string, wanted: string): RemsError {
  return new RemsError("REMS_REQUEST_INVALID", `"${id}" is not a device of kind ${wanted}`, {
    details: { device: id, wanted },
  });
}
