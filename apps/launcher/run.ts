import { join } from "node:path";
import type { Manifest } from "../../configs/manifest.ts";
import type { ErrorCode } from "../../kernel/errors.ts";
import { RemsError } from "../../kernel/errors.ts";
import type { Installation, InstallationOptions } from "./cluster.ts";
import { startInstallation } from "./cluster.ts";
import { openControlServer, type ControlServer } from "./control-server.ts";
import type { FailoverMessage, LauncherEvent, Totals } from "./events.ts";
import type { Faults } from "./faults.ts";
import { createFaults } from "./faults.ts";
import type { HostPauses } from "./host-pauses.ts";
import { machineMonotonicMs } from "./host-pauses.ts";
import { createRunDirectory } from "./run-directory.ts";
import type { Action, ScheduledAction } from "./schedule.ts";

export interface RunOptions {
  readonly manifest: Manifest;
  readonly projectDirectory: string;
  readonly coordinator: "etcd" | "embedded" | null;
  /** Null: until `signal`. */
  readonly durationMs: number | null;
  readonly schedule: readonly ScheduledAction[];
  readonly seed: number;
  /** Its directory stays after a good end too. */
  readonly isKept: boolean;
  /** 1 for the first run of a script. */
  readonly attempt: number;
  readonly hostPauses: HostPauses;
  /** Ends the run before its time. */
  readonly signal: AbortSignal;
  readonly onEvent: (event: LauncherEvent) => void;
  /** What else the installation is started with. */
  readonly installation?: Partial<InstallationOptions>;
  /** Called after everything has ended, before the run's folder goes: what it returns makes a bad end. */
  readonly onStopped?: (runDirectory: string) => readonly string[];
  /** Called once everything runs. What it returns is called when the run ends. */
  readonly onRunning?: (context: RunContext) => () => void;
}

export interface Attempt {
  readonly isDone: boolean;
  readonly text: string;
}

export interface RunContext {
  readonly installation: Installation;
  readonly faults: Faults;
  readonly failovers: readonly FailoverMessage[];
  /** Monotonic milliseconds at which everything ran. */
  readonly startedAtMs: number;
  /** Performs an action and tells how that went; never throws. True if it was done. */
  readonly act: (action: Action, isAtOnce?: boolean) => Promise<boolean>;
  /** The same, and how it went in words. */
  readonly attempt: (action: Action, isAtOnce?: boolean) => Promise<Attempt>;
  readonly tell: (event: LauncherEvent) => void;
  /** Notes what makes it a bad end; the run goes on. */
  readonly fail: (failure: string) => void;
  /** Ends the run; with a reason it ends badly. */
  readonly end: (failure?: string) => void;
}

export interface RunOutcome {
  readonly failovers: readonly FailoverMessage[];
  readonly totals: Totals | null;
  readonly coordinator: "etcd" | "embedded";
  readonly durationMs: number;
  /** Longest pause of the host from 1 s before a fault or failover to 3 s after; 0 without any. */
  readonly faultPauseMsMax: number;
  readonly hostPauseMsMax: number;
  /** Everything that makes it a bad end; empty for a good one. */
  readonly failures: readonly string[];
  readonly isAllLed: boolean;
}

/** What is found before anything is started: its folder holds nothing worth keeping. */
const NOTHING_STARTED: readonly ErrorCode[] = [
  "REMS_PORT_IN_USE",
  "REMS_PROGRAM_MISSING",
  "REMS_REQUEST_INVALID",
];
const PAUSE_BEFORE_MS = 1000;
const PAUSE_AFTER_MS = 3000;
/** A fault just before the end is still measured. */
const MEASURE_MS_MAX = 6000;
const LED_MS_MAX = 3000;
const POLL_MS = 50;

const delay = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/**
 * Runs an installation from start to end, with everything that is scheduled.
 * @throws {@link RemsError} for what keeps it from starting.
 */
export async function runInstallation(options: RunOptions): Promise<RunOutcome> {
  const { manifest, projectDirectory, attempt, onEvent } = options;
  const parent = join(projectDirectory, ".cache", "run");
  const directory = createRunDirectory(parent, new Date(), attempt);
  const failovers: FailoverMessage[] = [];
  const failures: string[] = [];
  const tell = (event: LauncherEvent) => {
    if (event.type === "failover") failovers.push(event.failover);
    if (event.type === "node" && event.state === "ended") {
      failures.push(`${event.node === "" ? "" : `node ${event.node}: `}${event.text}`);
    }
    onEvent(event);
  };
  let installation: Installation | null = null;
  const control = await openControlServer();
  try {
    installation = await startInstallation({
      manifest,
      projectDirectory,
      runDirectory: directory.path,
      signal: options.signal,
      coordinator: options.coordinator,
      seed: options.seed,
      simulationControl: control.url,
      onEvent: tell,
      ...options.installation,
    });
    const outcome = await live(options, installation, control, failovers, failures, tell);
    await installation.stop();
    failures.push(...(options.onStopped?.(directory.path) ?? []));
    if (outcome.failures.length === 0 && !options.isKept) directory.remove();
    else
      tell({ type: "note", text: `logs and journals of this run are kept in ${directory.path}` });
    return outcome;
  } catch (error) {
    await installation?.stop();
    const isNothingThere = NOTHING_STARTED.some((code) => RemsError.find(error, code));
    if (isNothingThere || options.signal.aborted) directory.remove();
    else
      tell({ type: "note", text: `logs and journals of this run are kept in ${directory.path}` });
    throw error;
  } finally {
    control.close();
  }
}

async function live(
  options: RunOptions,
  installation: Installation,
  control: ControlServer,
  failovers: readonly FailoverMessage[],
  failures: string[],
  tell: (event: LauncherEvent) => void,
): Promise<RunOutcome> {
  const faults = createFaults(installation);
  const startedAtMs = machineMonotonicMs();
  let end: () => void = () => {};
  const ended = new Promise<void>((resolve) => (end = resolve));
  options.signal.addEventListener("abort", end, { once: true });
  if (options.signal.aborted) end();

  const attempt = async (action: Action, isAtOnce = false): Promise<Attempt> => {
    const outcome = await attempted(faults, action, isAtOnce);
    tell({ type: "action", ...outcome });
    return outcome;
  };
  const act = async (action: Action, isAtOnce = false): Promise<boolean> =>
    (await attempt(action, isAtOnce)).isDone;
  const context: RunContext = {
    installation,
    faults,
    failovers,
    startedAtMs,
    act,
    attempt,
    tell,
    fail: (failure) => failures.push(failure),
    end: (failure) => {
      if (failure !== undefined) failures.push(failure);
      end();
    },
  };
  control.begin(context);
  const onRunning = options.onRunning?.(context);
  const scheduled: Promise<void>[] = [];
  const timers = options.schedule.map(({ atMs, action }) =>
    setTimeout(() => {
      const done = act(action).then((isDone) => {
        if (!isDone && !options.signal.aborted)
          failures.push(`an action of --at could not be done: ${action.type}`);
      });
      scheduled.push(done);
    }, atMs),
  );
  if (options.durationMs !== null) timers.push(setTimeout(end, options.durationMs));
  await ended;
  for (const timer of timers) clearTimeout(timer);
  onRunning?.();
  if (!options.signal.aborted) {
    // A fault that still waits for its moment is what the run is for: each waits a minute at most.
    const aborted = new Promise<void>((resolve) => {
      options.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    await Promise.race([Promise.all(scheduled), aborted]);
    await untilMeasured(faults, failovers);
  }
  const isAllLed = options.signal.aborted || (await untilLed(installation));
  faults.close();
  const totals = installation.totals();
  // Failovers that nobody caused count too: a host that stood still is what usually causes them.
  const measuredAtMs = [
    ...faults.caused.map(({ atMs }) => atMs),
    ...failovers.map((one) => one.faultAtMs),
  ];
  const pausesAt = measuredAtMs.map((atMs) =>
    options.hostPauses.longestMs(atMs - PAUSE_BEFORE_MS, atMs + PAUSE_AFTER_MS),
  );
  judge(installation, isAllLed, failures);
  return {
    failovers,
    totals,
    failures,
    isAllLed,
    coordinator: installation.coordinator.kind,
    durationMs: machineMonotonicMs() - startedAtMs,
    faultPauseMsMax: Math.max(0, ...pausesAt),
    hostPauseMsMax: options.hostPauses.longestMs(startedAtMs, Infinity),
  };
}

async function attempted(faults: Faults, action: Action, isAtOnce: boolean): Promise<Attempt> {
  try {
    return { isDone: true, text: await faults.perform(action, isAtOnce) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // A sentence for people: the code of a refusal tells them nothing.
    return { isDone: false, text: message.replaceAll(/ \[REMS_\w+\]/g, "") };
  }
}

/** Waits for the measurement of faults that were caused near the end. */
async function untilMeasured(faults: Faults, failovers: readonly FailoverMessage[]): Promise<void> {
  const deadlineMs = performance.now() + MEASURE_MS_MAX;
  const isMissing = () =>
    faults.caused.some(
      ({ atMs, grids }) =>
        machineMonotonicMs() - atMs < MEASURE_MS_MAX + POLL_MS &&
        grids.some((grid) => !failovers.some((one) => one.grid === grid && one.faultAtMs >= atMs)),
    );
  while (isMissing() && performance.now() < deadlineMs) await delay(POLL_MS);
}

async function untilLed(installation: Installation): Promise<boolean> {
  const deadlineMs = performance.now() + LED_MS_MAX;
  const isLed = () => installation.grids().every(({ leader }) => leader !== null);
  while (!isLed() && performance.now() < deadlineMs) await delay(POLL_MS);
  return isLed();
}

function judge(installation: Installation, isAllLed: boolean, failures: string[]): void {
  const totals = installation.totals();
  if (!isAllLed) {
    for (const { config, leader } of installation.grids()) {
      if (leader === null) failures.push(`grid ${config.id} was left without a leader`);
    }
  }
  if (totals === null) return;
  if (totals.overlapCount > 0) failures.push(`${totals.overlapCount} writes overlapped`);
  if (totals.outOfPhaseCount > 0) {
    failures.push(`${totals.outOfPhaseCount} breakers closed out of phase`);
  }
}
