import type { Logger } from "pino";
import type { PlannedGridCore } from "../../actors/grid/grid-core.ts";
import type { GridState } from "../../actors/grid/grid-state.ts";
import type { ApiHandle } from "../../api/api.ts";
import type { ApiRefusal } from "../../api/api-messages.ts";
import type { ControllerAlarm, Role } from "../../cluster/core/effects.ts";
import type { DeviceConfig, GridConfig, Manifest } from "../../configs/manifest.ts";
import { devicesReadBy, permitKeyOf } from "../../configs/manifest-queries.ts";
import { createDeviceIo } from "../../drivers/device-io.ts";
import type { AlarmPriority } from "../../kernel/alarm.ts";
import type { RemsError } from "../../kernel/errors.ts";
import type { GridMessage } from "../../kernel/grid-message.ts";
import type { PeerMessage } from "../../kernel/peer-message.ts";
import type { ConnectionState } from "../../kernel/point.ts";
import type { Clock } from "../../kernel/ports/clock.ts";
import type { DriverFamilies } from "../../drivers/driver-family.ts";
import { nativeHashOf } from "../../history/native-hash.ts";
import type { Coordinator } from "../../kernel/ports/coordinator.ts";
import type {
  AuthorityGate,
  ControlMode,
  DeviceIo,
  WriteReport,
} from "../../kernel/ports/device-io.ts";
import type { Journal, RecoveredLog } from "../../kernel/ports/journal.ts";
import type { Random } from "../../kernel/ports/random.ts";
import type { ControlLoop } from "../../scan/control-loop.ts";
import { createControlLoop } from "../../scan/control-loop.ts";
import type { Dial } from "./address-map.ts";
import { CONNECTION_TEXTS, healthText } from "./health-text.ts";
import { IgnoredOutputs } from "./ignored-outputs.ts";
import { historyNotes } from "./history-notes.ts";
import type { Trace } from "./trace-file.ts";

export interface GridControllerOptions {
  readonly manifest: Manifest;
  readonly node: string;
  readonly grid: GridConfig;
  readonly core: PlannedGridCore;
  readonly recovered: RecoveredLog;
  readonly clock: Clock;
  readonly sleptMs: () => number;
  readonly random: Random;
  readonly coordinator: Coordinator;
  readonly journal: Journal;
  readonly api: ApiHandle;
  readonly dial: Dial;
  readonly log: Logger;
  readonly driverLog: Logger;
  /** Those of the manifest's profiles. */
  readonly families: DriverFamilies;
  readonly trace: Trace | null;
  readonly phaseMs: number;
  readonly send: (toNode: string, message: PeerMessage) => boolean;
  readonly sendToGrid: (message: GridMessage) => void;
  readonly onRole: (role: Role, reason: string) => void;
  readonly onDriver: (device: string, state: ConnectionState, reason: string) => void;
  readonly onFatal: (error: RemsError) => void;
}

/** The controller of one grid on this node, through all its incarnations. */
export interface GridController {
  /** The loop of the present incarnation. */
  loop(): ControlLoop<GridState>;
  readonly devices: readonly string[];
  start(): void;
  publishStatus(): void;
  publishSnapshot(): void;
}

const REFUSALS_TOLD_MAX = 100;

const PRIORITIES: Readonly<Record<ControllerAlarm, AlarmPriority>> = {
  REDUNDANCY_LOST: "high",
  REDUNDANCY_REDUCED: "medium",
  AUTHORITY_LOST: "high",
  STALE_TAKEOVER: "high",
  RECORD_REFUSED: "high",
  REPLICA_DIVERGED: "high",
  CLOCK_JUMPED: "medium",
  JOURNAL_SLOW: "medium",
};

/** Limits first: the stricter of the grid's mode and the device's own. */
const STRICTNESS: readonly ControlMode[] = ["observe", "advise", "control"];

function stricter(a: ControlMode, b: ControlMode | null): ControlMode {
  return b !== null && STRICTNESS.indexOf(b) < STRICTNESS.indexOf(a) ? b : a;
}

export function createGridController(options: GridControllerOptions): GridController {
  const { grid, node, core, clock, journal, api, log } = options;
  const { trace } = options;
  const read = devicesReadBy(options.manifest, grid.id);
  const own = new Set(read.filter(({ isOwn }) => isOwn).map(({ device }) => device.id));
  const ignored = new IgnoredOutputs();
  /** What was last said of each device's connection. */
  const told = new Map<string, { readonly state: ConnectionState; readonly text: string }>();
  let io: DeviceIo | null = null;
  /** Null until the first loop is made: it makes its drivers itself. */
  let running: ControlLoop<GridState> | null = null;
  let loop = create(options.recovered);
  running = loop;

  /** As the replicated parameters say now: they change while the grid runs. */
  function controlOf(device: DeviceConfig): ControlMode {
    const plan = running === null ? core.plan : core.planOf(running.coreState());
    const config = plan.deviceById.get(device.id)?.config ?? device;
    return stricter(plan.grid.control, config.control);
  }

  function create(recovered: RecoveredLog): ControlLoop<GridState> {
    return createControlLoop({
      controller: {
        grid: grid.id,
        self: node,
        order: grid.controllers.map((controller) => controller.node),
        timings: grid.timings,
        allowStaleTakeover: grid.allowStaleTakeover,
        failback: grid.failback,
        failbackDelayMs: grid.failbackDelayS * 1000,
        coreVersion: core.coreVersion,
        manifestHash: core.manifestHash,
      },
      core,
      recovered,
      incarnation: options.random.hex128(),
      clock,
      sleptMs: options.sleptMs,
      coordinator: options.coordinator,
      send: options.send,
      sendToGrid: options.sendToGrid,
      createDevices,
      journal,
      permitKey: permitKeyOf(options.manifest, grid.id),
      phaseMs: options.phaseMs,
      hash: nativeHashOf,
      observer: {
        frame(encoded, outputs) {
          api.onFrame(encoded);
          for (const line of historyNotes(encoded.frame, outputs)) journal.note(line);
        },
        snapshot: (text, position) => api.onSnapshot(grid.id, text, position),
        role(from, to, reason) {
          log.info({ from, to, reason }, "role");
          journal.note({
            grid: grid.id,
            plantTimeMs: loop.view().plantTimeMs,
            kind: "role",
            text: `${from} -> ${to}: ${reason}`,
          });
          if (from === "leading") for (const fact of ignored.clear()) loop.setFact(...fact);
          options.onRole(to, reason);
          publishStatus();
        },
        alarm(code, isActive, text) {
          log[isActive ? "warn" : "info"]({ code, isActive, text }, "alarm");
          api.onAlarm(grid.id, code, PRIORITIES[code], isActive, text);
        },
        reply: (reply) => api.reply(reply),
        scan(latenessMs, missedCount) {
          api.onScan(grid.id, latenessMs, missedCount);
          trace?.(options.clock.monotonicMs(), grid.id, { step: "scanned", latenessMs });
        },
        ...(trace === null ? {} : { trace: (nowMs, step) => trace(nowMs, grid.id, step) }),
        restart(reason) {
          log.warn({ reason }, "starting a new incarnation");
          restart();
        },
      },
    });
  }

  /** A clock that stopped voids the promises that were given: the controller begins again under a new name, with its memory. */
  function restart(): void {
    const old = loop;
    const { text, position } = old.snapshot();
    const { plantTimeMs, epoch } = old.view();
    const { coreVersion, manifestHash } = core;
    void old.close();
    running = null;
    loop = create({
      snapshot:
        position === null
          ? null
          : { grid: grid.id, position, plantTimeMs, coreVersion, manifestHash, state: text },
      frames: [],
      last: position,
      plantTimeMs,
      epochMax: epoch,
      cutByteCount: 0,
    });
    running = loop;
    loop.start();
  }

  function createDevices(gate: AuthorityGate, plantTimeMs: () => number): DeviceIo {
    const devices = createDeviceIo(
      {
        grid: grid.id,
        devices: read.map(({ device }) => device),
        isOwn: (device) => own.has(device.id),
        controlOf,
        clock,
        random: options.random,
        gate,
        timings: grid.timings,
        mode: options.manifest.mode,
        dial: options.dial,
        plantTimeMs,
        onFatal: options.onFatal,
        log: (level, message, details) => options.driverLog[level](details, message),
      },
      options.families,
    );
    io = devices;
    devices.onWrite((report) => {
      note(report, plantTimeMs());
      const fact = ignored.note(report);
      if (fact !== null) loop.setFact(...fact);
    });
    return devices;
  }

  /** Set-points that were simply written are in the frames already; what explains more goes beside them. */
  function note(report: WriteReport, plantTimeMs: number): void {
    const isRoutine =
      report.kind === "level" && (report.outcome === "written" || report.outcome === "confirmed");
    if (isRoutine) return;
    const kind = report.outcome === "wouldWrite" ? "wouldWrite" : "write";
    journal.note({ grid: grid.id, plantTimeMs, kind, text: JSON.stringify(report) });
  }

  /** The leader tells what it knows of its devices beyond their state: which registers they refuse, for instance. */
  function publishHealth(): void {
    if (loop.view().role !== "leading") {
      // A standby may have begun with a snapshot: what frames did not tell stands in the state.
      for (const [device, state] of Object.entries(loop.coreState().connections)) {
        if (own.has(device) && told.get(device)?.state !== state) tell(device, state, "");
      }
      return;
    }
    if (io === null) return;
    for (const health of io.health()) {
      if (own.has(health.device)) tell(health.device, health.state, healthText(health));
    }
  }

  /** @param said - Why; "" where only the state is known, as in a frame: the leader's drivers say more a moment later. */
  function tell(device: string, state: ConnectionState, said: string): void {
    const text = said === "" ? CONNECTION_TEXTS[state] : said;
    const last = told.get(device);
    if (last?.state === state && last.text === text) return;
    told.set(device, { state, text });
    options.onDriver(device, state, text);
  }

  /** Bounded: a device that refuses everything says so once, as a whole. */
  function refusals(): ApiRefusal[] {
    if (io === null || loop.view().role !== "leading") return [];
    return io
      .health()
      .filter(({ device }) => own.has(device))
      .flatMap(({ device, refused }) =>
        refused.map(({ point, where, reason }) => ({
          device,
          point: point.split(".").at(-1) ?? "",
          text: `${reason} (${where})`,
        })),
      )
      .slice(0, REFUSALS_TOLD_MAX);
  }

  const publishStatus = () => {
    api.onStatus(grid.id, { ...loop.view(), refused: refusals() });
    publishHealth();
  };

  return {
    loop: () => loop,
    devices: read.filter(({ isOwn }) => isOwn).map(({ device }) => device.id),
    start() {
      publishSnapshot();
      loop.start();
    },
    publishStatus,
    publishSnapshot,
  };

  function publishSnapshot(): void {
    const { text, position } = loop.snapshot();
    api.onSnapshot(grid.id, text, position);
  }
}
