import { createGridCore, type PlannedGridCore } from "../../actors/grid/grid-core.ts";
import { present } from "../../kernel/assert.ts";
import type { OperatorRequest, RequestReply } from "../../kernel/command.ts";
import { TIMING_SETS } from "../../kernel/timings.ts";
import { Plant } from "../plant/plant.ts";
import type { FieldDevice } from "../world/field.ts";
import { installationSetting } from "../world/installation-setting.ts";
import type { Scenario } from "../world/scenario.ts";
import type { Setting } from "../world/world.ts";
import { World } from "../world/world.ts";
import type { Input } from "./input.ts";
import type { InstallationFiles } from "./installation-files.ts";
import { POWER_SAMPLE_MS, Recording, SAMPLE_MS } from "./recording.ts";
import { SharedCore } from "./shared-core.ts";

/** A plant that was started cold is commanded after ten seconds; scenarios begin when all is quiet. */
export const SETTLE_MS = 12_000;
/** A request without an answer is sent again, as r-emsctl does, so often. */
const ASK_AGAIN_MS = 500;
const ASK_COUNT_MAX = 20;
/** Answers that mean: ask another controller, or later. */
const RETRIED_CODES: ReadonlySet<string> = new Set(["REMS_NOT_LEADER", "REMS_AUTHORITY_LOST"]);
/** A computer that was killed without a word of when it comes back. */
const DOWN_MS = 8000;

interface Asked {
  readonly grid: string;
  readonly request: OperatorRequest;
  count: number;
}

/** An installation in the deterministic world with nothing going wrong by itself, and hands to make things happen in it. */
export class ScenarioWorld {
  readonly world: World;
  readonly plant: Plant;
  readonly recording: Recording;
  readonly cores: ReadonlyMap<string, SharedCore>;
  readonly planned: ReadonlyMap<string, PlannedGridCore>;
  lastReply: RequestReply | null = null;
  readonly #files: InstallationFiles;
  readonly #gridOf = new Map<string, string>();
  readonly #asked = new Map<string, Asked>();
  /** Points that a device shows with quality `bad`: a broken wire, a sensor out of its range. */
  readonly #badPoints = new Map<string, Set<string>>();

  /** Sources whose power is kept, for curves. */
  readonly #drawn: readonly string[];

  /** @param earlier - Cores of a run that is the same until {@link part}. */
  constructor(
    files: InstallationFiles,
    seed: number,
    hasCurves = false,
    earlier: ReadonlyMap<string, SharedCore> | null = null,
  ) {
    const { manifest, specs } = files;
    this.#drawn = hasCurves ? drawnDevices(files) : [];
    this.#files = files;
    this.recording = new Recording(manifest.grids.map(({ id }) => id));
    this.plant = new Plant(manifest, specs, seed);
    for (const { id, devices } of manifest.grids) {
      this.#gridOf.set(id, id);
      for (const device of devices) this.#gridOf.set(device.id, id);
    }
    this.planned = new Map(
      manifest.grids.map(({ id }) => [id, createGridCore(manifest, id)] as const),
    );
    this.cores = new Map(
      [...this.planned].map(
        ([id, core]) => [id, this.#shared(id, core, earlier?.get(id) ?? null)] as const,
      ),
    );
    const scenario = worldScenario(files, seed);
    this.world = new World(scenario, this.#setting(scenario), false);
  }

  /** Milliseconds of the scenario: negative while all settles. */
  get nowMs(): number {
    return this.world.clock.monotonicMs() - SETTLE_MS;
  }

  at(scenarioMs: number, act: () => void): void {
    this.world.clock.at(scenarioMs + SETTLE_MS, act);
  }

  /** From here on this run is another than the earlier one. */
  part(): void {
    for (const core of this.cores.values()) core.part();
  }

  gridOf(subject: string): string {
    return present(this.#gridOf.get(subject), `a grid or device ${subject}`);
  }

  nominalVoltageV(grid: string): number {
    const found = this.#files.manifest.grids.find(({ id }) => id === grid);
    return present(found, `a grid ${grid}`).nominalVoltageV;
  }

  get grids(): readonly string[] {
    return [...this.cores.keys()];
  }

  /** The node whose controller leads a grid, or null. */
  leaderOf(grid: string): string | null {
    const leading = this.world.nodes.find(
      (node) => node.controller(grid)?.loop.view().role === "leading",
    );
    return leading?.name ?? null;
  }

  /** Whether somebody could follow the leader of a grid at once. */
  hasStandby(grid: string): boolean {
    return this.world.nodes.some((node) => {
      const view = node.controller(grid)?.loop.view();
      return view?.role === "leading" && view.inSync.length > 1;
    });
  }

  perform(input: Input): void {
    this.recording.say(this.nowMs, "INPUT", input.text);
    const { plant } = this;
    switch (input.kind) {
      case "load":
      case "step": {
        const demandKw = input.kind === "step" ? input.kw : input.kw - plant.demandOf(input.device);
        return plant.loadStep(input.device, demandKw);
      }
      case "demand":
        return plant.setThrusterDemand(input.device, input.kw);
      case "sun":
        return plant.setSun(input.device, input.pct);
      case "motor":
        return plant.startMotor(input.device, input.kw);
      case "derated":
        return plant.setDerating(input.device, input.pct);
      case "bad": {
        const bad = this.#badPoints.get(input.device) ?? new Set<string>();
        this.#badPoints.set(input.device, bad);
        return void (input.isOn ? bad.add(input.point) : bad.delete(input.point));
      }
      case "trip":
        return plant.device(input.device).trip("tripped by its own protection");
      case "reset":
        return plant.device(input.device).resetTrip();
      case "supply":
        return plant.setShoreAvailable(input.device, input.isOn);
      case "switch":
        return plant.setSwitch(input.device, input.name, input.isOn);
      case "press":
        return void plant.device(input.device).command(input.button);
      case "silent":
        return this.world.field.setFaults(input.device, { isSilent: input.isOn });
      case "ask":
        return this.#ask(input);
      case "kill":
        return this.#kill(input.subject, input.forS === null ? DOWN_MS : input.forS * 1000);
      case "pause":
        return this.#leaderNodes(input.subject).forEach((node) =>
          this.world.node(node).pause(input.forMs),
        );
      default:
        return input satisfies never;
    }
  }

  #leaderNodes(subject: string): string[] {
    if (subject === "all") return this.world.nodes.map(({ name }) => name);
    const leader = this.leaderOf(subject);
    return leader === null ? [] : [leader];
  }

  #kill(subject: string, forMs: number): void {
    for (const name of this.#leaderNodes(subject)) {
      this.recording.say(this.nowMs, name, "its power is cut");
      this.world.node(name).crash("power");
      this.at(this.nowMs + forMs, () => this.world.node(name).boot());
    }
  }

  // --- requests ---

  #ask(input: Extract<Input, { kind: "ask" }>): void {
    const grid = this.gridOf(input.subject);
    const actor =
      input.subject === grid ? `grids/${grid}` : `grids/${grid}/devices/${input.subject}`;
    const requestId = `r${this.#asked.size + 1}`;
    const request: OperatorRequest = {
      requestId,
      role: input.role,
      user: "scenario",
      actor,
      command: input.command,
      arguments: input.values,
    };
    this.#asked.set(requestId, { grid, request, count: 0 });
    this.#send(requestId);
  }

  #send(requestId: string): void {
    const asked = this.#asked.get(requestId);
    if (asked === undefined || asked.count >= ASK_COUNT_MAX) return;
    asked.count += 1;
    const leader = this.leaderOf(asked.grid);
    if (leader !== null) this.world.node(leader).submit(asked.grid, asked.request);
    this.at(this.nowMs + ASK_AGAIN_MS, () => this.#send(requestId));
  }

  #onReply(reply: RequestReply & { readonly code: string | null }): void {
    if (reply.code !== null && RETRIED_CODES.has(reply.code)) return;
    const asked = this.#asked.get(reply.requestId);
    if (asked === undefined || asked.count >= ASK_COUNT_MAX) return;
    asked.count = ASK_COUNT_MAX;
    this.lastReply = reply;
    const verdict = reply.isAccepted ? "accepted" : "refused";
    this.recording.say(
      this.nowMs,
      asked.grid,
      `${asked.request.command} ${verdict}: ${reply.reason}`,
    );
  }

  // --- how it is built ---

  #shared(grid: string, core: PlannedGridCore, earlier: SharedCore | null): SharedCore {
    return new SharedCore(core, earlier, (_frame, outputs) => {
      for (const { actor, from, to, reason } of outputs.transitions) {
        const name = actor.split("/").at(-1) ?? actor;
        this.recording.say(this.nowMs, name, `${from} -> ${to}: ${reason}`);
        this.recording.step(this.nowMs, grid, `${name} ${from} -> ${to}`);
        this.recording.transitions.push({ atMs: this.nowMs, device: name, from, to });
      }
      for (const { code, event, text } of outputs.alarms)
        this.recording.say(this.nowMs, grid, `alarm ${code} ${event}: ${text}`);
    });
  }

  #setting(scenario: Scenario): Setting {
    const { manifest } = this.#files;
    const base = installationSetting({
      manifest,
      plant: this.plant,
      timings: scenario.timings,
      failback: scenario.failback,
      nodes: scenario.nodes,
      coreOf: (grid) => present(this.cores.get(grid), `a core of ${grid}`),
      digest: () => "",
      comparedEvery: 0,
    });
    const advance = present(base.advance, "an installation has physics");
    return {
      ...base,
      devices: base.devices.map((device) => this.#watched(device)),
      advance: {
        everyMs: advance.everyMs,
        run: (nowMs) => {
          advance.run(nowMs);
          this.#look(nowMs - SETTLE_MS);
        },
      },
      disturb: null,
      request: () => {
        throw new TypeError("nobody draws requests here");
      },
      onReply: (reply) => this.#onReply(reply),
    };
  }

  #look(nowMs: number): void {
    for (const event of this.plant.takeEvents()) {
      this.recording.event(nowMs, event);
      this.recording.say(nowMs, event.device, event.text);
    }
    if (nowMs < 0 || nowMs % SAMPLE_MS !== 0) return;
    for (const { id, nominalVoltageV } of this.#files.manifest.grids)
      this.recording.sample(id, this.plant.grid(id), nominalVoltageV);
    if (nowMs % POWER_SAMPLE_MS !== 0) return;
    for (const id of this.#drawn) {
      const { activePowerKw, reactivePowerKvar } = this.plant.points(id);
      const kvar = typeof reactivePowerKvar === "number" ? reactivePowerKvar : 0;
      this.recording.power(id, typeof activePowerKw === "number" ? activePowerKw : 0, kvar);
    }
  }

  #watched(device: FieldDevice): FieldDevice {
    const { id } = device;
    const grid = this.gridOf(id);
    return {
      ...device,
      read: () => {
        const bad = this.#badPoints.get(id);
        if (bad === undefined || bad.size === 0) return device.read();
        return device
          .read()
          .map(([point, value]) => [point, value, bad.has(point) ? "bad" : "good"] as const);
      },
      write: (kind, name, value) => {
        const { isLive: isBusLive, island } = this.plant.grid(grid);
        const points = this.plant.points(id);
        const isAccepted = device.write(kind, name, value);
        const atMs = this.nowMs;
        this.recording.writes.push({
          atMs,
          device: id,
          kind,
          name,
          value,
          isAccepted,
          isBusLive,
          island,
          points,
        });
        if (kind === "command") {
          this.recording.say(atMs, id, `<- ${name}${isAccepted ? "" : " (refused)"}`);
          this.recording.step(atMs, grid, `${id} <- ${name}`);
        }
        return isAccepted;
      },
    };
  }
}

/** Sources and drives, by id. */
function drawnDevices({ manifest }: InstallationFiles): readonly string[] {
  const kinds: readonly string[] = ["genset", "battery", "shore", "pv", "thruster"];
  return manifest.grids.flatMap(({ devices }) =>
    devices.filter(({ kind }) => kinds.includes(kind)).map(({ id }) => id),
  );
}

/** Two computers for each grid are enough to lose one; a third would only cost time. */
const NODE_COUNT_MAX = 2;

function worldScenario({ manifest }: InstallationFiles, seed: number): Scenario {
  const leading = manifest.grids.flatMap(({ controllers }) =>
    controllers.slice(0, NODE_COUNT_MAX).map(({ node }) => node),
  );
  const nodes = [...new Set(leading)];
  return {
    seed,
    kind: "vessel",
    nodes,
    timings: TIMING_SETS.default,
    failback: "manual",
    rates: nodes.map(() => 1),
    bootsAtMs: nodes.map((_node, index) => 5 * index),
    network: { delayMsMin: 0.1, delayMsMax: 1, breakProbability: 0 },
    store: { latencyMsMin: 0.5, latencyMsMax: 3 },
    field: { delayMsMin: 0.2, delayMsMax: 2 },
    hasOneMaster: false,
    faults: [],
    succession: null,
    single: null,
    healAtMs: 0,
    recoveryMsMax: 0,
  };
}
