import type { Manifest } from "../../configs/manifest.ts";
import type { PlantSnapshot } from "../../sim/simulator/protocol.ts";
import type { FailoverMessage } from "./events.ts";
import type { GridView, NodeView } from "./installation-view.ts";
import { clockText, failoverTexts } from "./plain-lines.ts";
import { gridLines } from "./screen-grid.ts";
import type { Line, Role } from "./screen-text.ts";
import { clip, flow, piece } from "./screen-text.ts";

/** Everything that the picture shows. What stands under a grid is what its leader knows, as any tool would hear it. */
export interface ScreenModel {
  readonly manifest: Manifest;
  readonly elapsedMs: number;
  readonly coordinator: string;
  readonly nodes: readonly NodeView[];
  readonly grids: readonly GridView[];
  /** The grid that keys act on. */
  readonly selectedGrid: string;
  /** For where no controller answers; null before the first snapshot. */
  readonly plant: PlantSnapshot | null;
  readonly lastFailover: FailoverMessage | null;
  /** What happened lately, newest last. */
  readonly recent: readonly string[];
  /** Of the tour; empty for none. */
  readonly sentence: string;
  readonly message: { readonly text: string; readonly role: Role } | null;
  /** Complete command lines to try in a second terminal. */
  readonly commands: readonly string[];
  readonly mode: "plant" | "why" | "help";
}

const HELP: readonly string[] = [
  "The picture shows what R-EMS itself knows: what the leader of each grid answers to any tool.",
  "A grid is one switchboard section. One controller leads it; ✓ stands by in sync, ready to lead.",
  "[■] closed   [□] open   [?] no valid feedback   [✗] the device does not answer",
  "",
  "Tab  the grid that the keys act on (▸)",
  "k    kill -9 the node that leads it",
  "x    cut its power: no packet leaves it any more",
  "p    freeze it for 2 s: it wakes up and must not write",
  "n    cut its links to all devices for 20 s",
  "K    kill ALL controllers for 10 s",
  "r    start the nodes that are down",
  "g    trip a genset that carries load",
  "l    load step of 100 kW, and back",
  "b    close or open the bus-tie            t  thruster asks for full power, and back (vessel)",
  "u    the utility goes or comes back       c  a cloud over the PV, and away (land)",
  "w    why every grid does what it does     ?  this page     q  end",
  "",
  "Faults of nodes wait until every grid is led and in sync: each is measured as one fault.",
];

/** Draws the picture: exactly `height` lines at most, none wider than `width`. Pure. */
export function drawScreen(model: ScreenModel, width: number, height: number): Line[] {
  const top = headerLines(model, width);
  const draw = (room: number): Line[] => {
    if (model.mode === "help") return HELP.map((text) => clip([piece(text)], width));
    return model.mode === "why" ? whyLines(model, width) : plantLines(model, width, room);
  };
  const roomAbove = (lines: readonly Line[]) => Math.max(1, height - top.length - lines.length);
  let bottom = footerLines(model, width);
  let middle = draw(roomAbove(bottom));
  if (middle.length > roomAbove(bottom)) {
    // The plant goes before what could be typed elsewhere.
    bottom = footerLines({ ...model, commands: [] }, width);
    middle = draw(roomAbove(bottom));
  }
  const room = roomAbove(bottom);
  const shown = middle.slice(0, room);
  const padding = Array.from({ length: room - shown.length }, (): Line => []);
  return [...top, ...shown, ...padding, ...bottom].slice(0, height);
}

function headerLines(model: ScreenModel, width: number): Line[] {
  const { manifest, nodes, grids } = model;
  const nodeParts = nodes.map(({ id, state }) => {
    const isUp = state === "up";
    const note = isUp ? "" : ` ${state}`;
    return [piece(`${id}${isUp ? "●" : "○"}${note}`, isUp ? "good" : "bad")];
  });
  const alarms = grids.flatMap(({ status }) => status?.alarms ?? []);
  const high = alarms.some(({ priority }) => priority === "high");
  const alarmRole = alarms.length === 0 ? "plain" : high ? "bad" : "warning";
  const redundancy = redundancyOf(grids);
  const parts: Line[] = [
    [piece("R-EMS", "title")],
    [piece("SIMULATION", "warning")],
    [piece(manifest.installation.id)],
    [piece(clockText(model.elapsedMs))],
    ...nodeParts,
    [piece(model.coordinator)],
    [piece("redundancy "), redundancy],
    [piece(`alarms ${alarms.length}`, alarmRole)],
  ];
  return [...flow(parts, width, 7), []];
}

function redundancyOf(grids: readonly GridView[]) {
  if (grids.some(({ leader }) => leader === null)) return piece("NO LEADER", "bad");
  const standbys = grids.flatMap((grid) => grid.standbys);
  if (standbys.length === 0) return piece("none: one controller", "dim");
  if (standbys.every(({ isInSync }) => isInSync)) return piece("OK", "good");
  const isLost = grids.some((grid) => grid.standbys.every(({ isInSync }) => !isInSync));
  return isLost ? piece("LOST", "bad") : piece("REDUCED", "warning");
}

function plantLines(model: ScreenModel, width: number, room: number): Line[] {
  const { grids, selectedGrid } = model;
  const isSeveral = grids.length > 1;
  const isLand = model.manifest.installation.kind === "land";
  const draw = (isDense: boolean): Line[] => {
    const lines: Line[] = [];
    for (const [index, grid] of grids.entries()) {
      const isSelected = isSeveral && grid.config.id === selectedGrid;
      const plant = model.plant?.grids.find(({ id }) => id === grid.config.id) ?? null;
      const layout = { width, isFirst: index === 0, isSelected, isDense, isLand, plant };
      lines.push(...gridLines(grid, layout));
      if (!isDense) lines.push([]);
      if (index === 0) {
        const tie = tieLine(model, width);
        if (tie !== null) lines.push(tie, ...(isDense ? [] : [[]]));
      }
    }
    return [...lines, ...failoverLines(model, width)];
  };
  const roomy = draw(false);
  const lines = roomy.length <= room ? roomy : draw(true);
  const left = room - lines.length;
  const recent = left > 1 ? model.recent.slice(-(left - 1)) : [];
  if (recent.length === 0) return lines;
  return [...lines, [], ...recent.map((text) => clip([piece(text, "dim")], width))];
}

function failoverLines({ lastFailover }: ScreenModel, width: number): Line[] {
  if (lastFailover === null) {
    return [clip([piece("LAST FAILOVER ", "title"), piece("none yet: press k", "dim")], width)];
  }
  const [what, plant] = failoverTexts(lastFailover);
  const isGood = lastFailover.overlapCount === 0 && lastFailover.frequencyHzMin > 0;
  const parts = plant.split(" → ").map((part, index): Line => {
    const role: Role = isGood ? "good" : "bad";
    return [piece(index === 0 ? ` ${part}` : `→ ${part}`, role)];
  });
  return [
    clip([piece("LAST FAILOVER ", "title"), piece(what)], width),
    ...flow(parts, width, 2, 1),
  ];
}

function tieLine({ manifest, grids }: ScreenModel, width: number): Line | null {
  const [tie] = manifest.ties;
  if (tie === undefined) return null;
  const ends = tie.breakers.map(({ grid, device }) => {
    const status = grids.find(({ config }) => config.id === grid)?.status;
    const isClosed = status?.devices?.find((one) => one.device === device)?.isClosed;
    return { device: device.toUpperCase(), isClosed: isClosed ?? null };
  });
  const symbol = (isClosed: boolean | null) => (isClosed === null ? "?" : isClosed ? "■" : "□");
  const picture = ends.map(({ device, isClosed }) => `${device}[${symbol(isClosed)}]`).join("──");
  const isKnown = ends.every(({ isClosed }) => isClosed !== null);
  const isClosed = ends.every((end) => end.isClosed === true);
  const state = !isKnown ? "unknown" : isClosed ? "closed" : "open";
  const islands = new Set(
    grids.map(({ config, status }) =>
      (status?.island ?? []).length > 1 ? (status?.island ?? []).join("+") : config.id,
    ),
  );
  const role: Role = isKnown ? "plain" : "warning";
  return clip(
    [
      piece("TIE  ", "title"),
      piece(`${picture} ${state}`, role),
      piece(`        islands: ${[...islands].join(" | ")}`),
    ],
    width,
  );
}

function whyLines({ grids }: ScreenModel, width: number): Line[] {
  const lines: Line[] = [];
  for (const { config, status, leader } of grids) {
    lines.push(clip([piece(`WHY ${config.id.toUpperCase()}`, "title")], width));
    const reasons = status?.why ?? [];
    if (reasons.length === 0) lines.push([piece("  nothing holds it back", "dim")]);
    for (const reason of reasons) lines.push(clip([piece(`  ${reason}`)], width));
    for (const alarm of status?.alarms ?? []) {
      const role = alarm.priority === "high" ? "bad" : "warning";
      lines.push(clip([piece(`  alarm ${alarm.code}: ${alarm.text}`, role)], width));
    }
    // Of the node that answers: where nobody leads, that is one which does not.
    const reason = status?.roleReason ?? "";
    const role = leader === null ? "nobody leads" : `${leader} leads`;
    if (reason !== "") lines.push(clip([piece(`  ${role}: ${reason}`, "dim")], width));
    lines.push([]);
  }
  return lines;
}

const KEYS: readonly (readonly [string, string])[] = [
  ["k", "kill leader"],
  ["x", "power-cut"],
  ["K", "kill ALL controllers"],
  ["p", "pause"],
  ["n", "cut plant network"],
  ["g", "trip genset"],
];
const KEYS_END: readonly (readonly [string, string])[] = [
  ["l", "load step"],
  ["r", "restart"],
  ["w", "why"],
  ["?", "help"],
  ["q", "end"],
];

function footerLines(model: ScreenModel, width: number): Line[] {
  const isLand = model.manifest.installation.kind === "land";
  const special: readonly (readonly [string, string])[] = isLand
    ? [
        ["u", "utility"],
        ["c", "cloud"],
      ]
    : [
        ["b", "bus-tie"],
        ["t", "thruster"],
      ];
  const keys = [...KEYS, ...special, ...KEYS_END].map(([key, meaning]): Line => [
    piece(key, "key"),
    piece(` ${meaning}`),
  ]);
  const { message, sentence } = model;
  const words = sentence.split(" ").filter((word) => word !== "");
  return [
    ...flow(
      words.map((word) => [piece(word, "title")]),
      width,
      0,
      1,
    ),
    message === null ? [] : clip([piece(message.text, message.role)], width),
    ...flow(keys, width, 0),
    ...model.commands.map((command, index) =>
      clip(
        [piece(index === 0 ? "second terminal: " : " ".repeat(17), "dim"), piece(command)],
        width,
      ),
    ),
  ];
}
