import type { LauncherEvent } from "./events.ts";
import { secondTerminalCommands, webLines } from "./device-commands.ts";
import { machineMonotonicMs } from "./host-pauses.ts";
import { clockText, eventText } from "./plain-lines.ts";
import type { RunContext } from "./run.ts";
import type { Action } from "./schedule.ts";
import type { ScreenModel } from "./screen.ts";
import { drawScreen } from "./screen.ts";
import type { Role } from "./screen-text.ts";
import { paint } from "./screen-text.ts";

const REDRAW_MS = 220;
const RECENT_COUNT_MAX = 40;
const MESSAGE_MS = 12_000;
const KILL_ALL_MS = 10_000;
const PAUSE_MS = 2000;
const CUT_MS = 20_000;
const LOAD_STEP_KW = 100;
const CLOUD_PCT = 70;

/** The picture on a terminal, and the keys. */
export interface TerminalView {
  onEvent(event: LauncherEvent): void;
  onRunning(context: RunContext): () => void;
  /** Gives the terminal back. */
  close(): void;
}

/** Kinds of the plant's events that are not worth a line each. */
const QUIET_KINDS = new Set(["refused", "watchdog"]);

export function openTerminalView(end: () => void): TerminalView {
  const { stdin, stdout } = process;
  const isColoured = (process.env["NO_COLOR"] ?? "") === "" && stdout.hasColors();
  const recent: string[] = [];
  const startedAtMs = machineMonotonicMs();
  let context: RunContext | null = null;
  let commands: readonly string[] = [];
  let selected = 0;
  let mode: ScreenModel["mode"] = "plant";
  let message: { text: string; role: Role; untilMs: number } | null = null;
  /** Of the tour; stays until the next one. */
  let sentence = "";
  let isBlocked = false;
  let isClosed = false;
  const toggles = {
    isLoadStepped: false,
    isThrusting: false,
    isUtilityLost: false,
    isCloudy: false,
  };

  const say = (text: string, role: Role, forMs: number) => {
    message = { text, role, untilMs: performance.now() + forMs };
  };

  function draw(): void {
    // A terminal that takes no more text is not waited for: the next picture shows what is then.
    if (isClosed || isBlocked) return;
    const width = stdout.columns || 100;
    const height = stdout.rows || 30;
    const lines = context === null ? startLines() : drawLines(context, width, height);
    const text = lines.map((line) => `${line}\u001B[K`).join("\r\n");
    isBlocked = !stdout.write(`\u001B[H${text}\u001B[J`);
    if (isBlocked) stdout.once("drain", () => (isBlocked = false));
  }

  const startLines = () => ["R-EMS  SIMULATION  starting ...", "", ...recent.slice(-20)];

  function drawLines(running: RunContext, width: number, height: number): string[] {
    const { installation, faults } = running;
    const { manifest, coordinator } = installation;
    const isOver = message !== null && performance.now() > message.untilMs;
    if (isOver) message = null;
    const waiting = faults.underWay;
    const model: ScreenModel = {
      manifest,
      commands,
      recent,
      mode,
      sentence,
      elapsedMs: machineMonotonicMs() - running.startedAtMs,
      coordinator:
        coordinator.kind === "etcd" ? `etcd ×${coordinator.endpoints.length}` : "embedded",
      nodes: installation.nodeViews(),
      plant: installation.plant(),
      grids: installation.grids(),
      selectedGrid: selectedGrid(running),
      lastFailover: running.failovers.at(-1) ?? null,
      message: waiting === null ? message : { text: waiting, role: "warning" },
    };
    return drawScreen(model, width, height).map((line) => paint(line, isColoured));
  }

  function selectedGrid({ installation }: RunContext): string {
    const { grids } = installation.manifest;
    return grids[selected % grids.length]?.id ?? "";
  }

  const devicesOf = (running: RunContext, kind: string) =>
    running.installation.manifest.grids
      .find(({ id }) => id === selectedGrid(running))
      ?.devices.filter((device) => device.kind === kind) ?? [];

  /** What a key does now, or a sentence that says why it does nothing. */
  function actionOf(key: string, running: RunContext): Action | string | null {
    const grid = selectedGrid(running);
    const { manifest } = running.installation;
    switch (key) {
      case "k":
        return { type: "kill-leader", grid };
      case "x":
        return { type: "power-cut", grid };
      case "K":
        return { type: "kill-all", durationMs: KILL_ALL_MS };
      case "p":
        return { type: "pause-leader", grid, durationMs: PAUSE_MS };
      case "n":
        return { type: "cut-plant", grid, durationMs: CUT_MS };
      case "r":
        return { type: "restart" };
      case "g": {
        const view = running.installation.grids().find(({ config }) => config.id === grid);
        const set = view?.status?.devices?.find(
          ({ kind, isClosed }) => kind === "genset" && isClosed === true,
        );
        const device = set?.device ?? "";
        return device === "" ? `no genset of ${grid} carries load` : { type: "trip", device };
      }
      case "l": {
        const [feeder] = devicesOf(running, "feeder");
        if (feeder === undefined) return `${grid} has no feeder`;
        const deltaKw = toggles.isLoadStepped ? -LOAD_STEP_KW : LOAD_STEP_KW;
        toggles.isLoadStepped = !toggles.isLoadStepped;
        return { type: "load-step", device: feeder.id, deltaKw };
      }
      case "t": {
        const [thruster] = devicesOf(running, "thruster");
        if (thruster === undefined) return `${grid} has no thruster`;
        const demandKw = toggles.isThrusting ? 0 : thruster.ratings.loadKw;
        toggles.isThrusting = !toggles.isThrusting;
        return { type: "thruster", device: thruster.id, demandKw };
      }
      case "b": {
        if (manifest.ties.length === 0) return "this installation has no bus-tie";
        const islands = running.installation.grids().map(({ status }) => status?.island ?? []);
        return { type: "tie", isClosing: !islands.some((island) => island.length > 1) };
      }
      case "u":
        if (manifest.installation.kind !== "land") return "a vessel at sea has no utility";
        toggles.isUtilityLost = !toggles.isUtilityLost;
        return { type: toggles.isUtilityLost ? "grid-loss" : "grid-return" };
      case "c":
        if (manifest.installation.kind !== "land") return "there is no PV here";
        toggles.isCloudy = !toggles.isCloudy;
        return { type: "pv-cloud", dropPct: toggles.isCloudy ? CLOUD_PCT : 0 };
      default:
        return null;
    }
  }

  function onKey(key: string): void {
    if (key === "\u0003" || key === "q") {
      end();
      return;
    }
    if (key === "?" || key === "h") mode = mode === "help" ? "plant" : "help";
    else if (key === "w") mode = mode === "why" ? "plant" : "why";
    else if (key === "\u001B") mode = "plant";
    else if (key === "\t") selected += 1;
    else if (context !== null) {
      const action = actionOf(key, context);
      if (typeof action === "string") say(action, "warning", MESSAGE_MS);
      else if (action !== null) void context.act(action);
      else say(`no such key; ? shows all`, "dim", MESSAGE_MS);
    }
    draw();
  }

  const onData = (chunk: Buffer) => {
    const text = chunk.toString("utf8");
    // Arrow keys and the like come as one sequence; it is none of our keys.
    if (text.startsWith("\u001B") && text.length > 1) return;
    for (const key of text) onKey(key);
  };
  stdin.setRawMode(true);
  stdin.resume();
  stdin.on("data", onData);
  stdout.write("\u001B[?1049h\u001B[?25l\u001B[2J");
  stdout.on("resize", draw);
  const timer = setInterval(draw, REDRAW_MS);
  const restore = () => {
    if (isClosed) return;
    isClosed = true;
    clearInterval(timer);
    stdin.off("data", onData);
    stdout.off("resize", draw);
    stdin.setRawMode(false);
    stdin.pause();
    stdout.write("\u001B[?25h\u001B[?1049l");
  };
  process.once("exit", restore);

  return {
    onEvent(event) {
      if (event.type === "tour") {
        sentence = event.text;
        return;
      }
      const text = eventText(event);
      if (event.type === "action") say(text, event.isDone ? "plain" : "warning", MESSAGE_MS);
      if (event.type === "plant" && QUIET_KINDS.has(event.kind)) return;
      if (event.type === "failover") return; // it has a place of its own
      recent.push(
        `${clockText(machineMonotonicMs() - (context?.startedAtMs ?? startedAtMs))}  ${text}`,
      );
      if (recent.length > RECENT_COUNT_MAX) recent.shift();
    },
    onRunning(running) {
      context = running;
      const { manifest, publicPorts } = running.installation;
      commands = [...secondTerminalCommands(manifest, publicPorts), ...webLines(manifest)];
      draw();
      return () => say("ending ...", "plain", MESSAGE_MS);
    },
    close: restore,
  };
}
