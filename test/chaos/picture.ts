import type { WriteEntry } from "../../sim/devices/simulated-device.ts";
import type { FailoverMessage } from "../../apps/launcher/events.ts";
import type { DoneFault, Leadership } from "./referee.ts";

export interface PictureInput {
  readonly title: string;
  readonly nodes: readonly string[];
  readonly grids: readonly string[];
  /** Times of the machine's monotonic clock. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly leaderships: readonly Leadership[];
  readonly faults: readonly DoneFault[];
  readonly failovers: readonly FailoverMessage[];
  readonly writes: readonly WriteEntry[];
}

/** Told apart by readers with any colour vision (Okabe and Ito). */
const COLORS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"];
const GAP_COLOR = "#d40000";
const WIDTH = 1600;
const LEFT = 150;
const RIGHT = 30;
const ROW = 16;
/** A failover seen close up: so much before and after the fault. */
const CLOSE_BEFORE_MS = 200;
const CLOSE_AFTER_MS = 800;
const CLOSE_COUNT_MAX = 400;

const escape = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const n = (value: number) => String(Math.round(value * 10) / 10);

/**
 * Draws a run as SVG: per grid who led, and each node's writes; below, every failover close up, from 200 ms before the fault to 800 ms
 * after it. A pure function.
 */
export function drawRun(input: PictureInput): string {
  const colorOf = (node: string) => COLORS[input.nodes.indexOf(node) % COLORS.length] ?? "#888";
  const parts: string[] = [];
  let y = 30;
  parts.push(text(LEFT, 20, input.title, 14));
  input.nodes.forEach((node, i) => {
    parts.push(rect(WIDTH - 260 + i * 75, 9, 12, 12, colorOf(node)));
    parts.push(text(WIDTH - 244 + i * 75, 20, node, 12));
  });
  y = drawAxis(parts, input, y);
  for (const grid of input.grids) y = drawGrid(parts, input, grid, colorOf, y);
  y = drawFaults(parts, input, y);
  y = drawCloseUps(parts, input, colorOf, y + 20);
  const head = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y + 20}" font-family="sans-serif">`;
  return `${head}\n<rect width="100%" height="100%" fill="white"/>\n${parts.join("\n")}\n</svg>\n`;
}

function xOf({ fromMs, toMs }: PictureInput, atMs: number): number {
  const share = (atMs - fromMs) / Math.max(1, toMs - fromMs);
  return LEFT + Math.min(1, Math.max(0, share)) * (WIDTH - LEFT - RIGHT);
}

function drawAxis(parts: string[], input: PictureInput, y: number): number {
  const lastedS = (input.toMs - input.fromMs) / 1000;
  const stepS = [5, 10, 30, 60, 120, 300, 600].find((s) => lastedS / s <= 24) ?? 1800;
  for (let s = 0; s <= lastedS; s += stepS) {
    const x = xOf(input, input.fromMs + s * 1000);
    parts.push(text(x, y + 12, `${s} s`, 10, "middle"));
  }
  return y + 20;
}

function drawGrid(
  parts: string[],
  input: PictureInput,
  grid: string,
  colorOf: (node: string) => string,
  top: number,
): number {
  let y = top;
  parts.push(text(LEFT - 8, y + 13, `${grid}: leader`, 12, "end"));
  const led = input.leaderships.filter((one) => one.grid === grid && one.firstWriteAtMs !== null);
  led.forEach((one, i) => {
    const fromX = xOf(input, one.firstWriteAtMs ?? one.ledAtMs);
    const next = led[i + 1];
    const fault = input.failovers.find(
      (failover) => failover.grid === grid && failover.firstNewWriteMs === next?.firstWriteAtMs,
    );
    const toX = xOf(input, fault?.faultAtMs ?? next?.firstWriteAtMs ?? input.toMs);
    parts.push(rect(fromX, y, Math.max(0.5, toX - fromX), ROW, colorOf(one.node)));
    if (one.origin === "stale") parts.push(text(fromX, y - 1, "stale", 9));
  });
  for (const { grid: of, faultAtMs, firstNewWriteMs, gapMs } of input.failovers) {
    if (of !== grid) continue;
    const x = xOf(input, faultAtMs);
    const width = Math.max(1.5, xOf(input, firstNewWriteMs) - x);
    const title = `<title>${Math.round(gapMs)} ms</title>`;
    parts.push(rect(x, y, width, ROW, GAP_COLOR, 1, title));
  }
  y += ROW + 4;
  for (const node of input.nodes) {
    parts.push(text(LEFT - 8, y + 11, `writes ${node}`, 10, "end"));
    parts.push(writesOf(input, grid, node, colorOf(node), y));
    y += ROW - 2;
  }
  return y + 16;
}

/** One bar per picture column in which the node wrote: the more, the higher. */
function writesOf(
  input: PictureInput,
  grid: string,
  node: string,
  color: string,
  y: number,
): string {
  const counts = new Map<number, number>();
  for (const write of input.writes) {
    if (write.grid !== grid || write.writer !== node || write.refusal !== null) continue;
    const column = Math.floor(xOf(input, write.atMs));
    counts.set(column, (counts.get(column) ?? 0) + 1);
  }
  const most = Math.max(1, ...counts.values());
  const height = ROW - 4;
  const bars = [...counts].map(([x, count]) => {
    const h = Math.max(2, (count / most) * height);
    return `M${x} ${n(y + height)}v${n(-h)}`;
  });
  return `<path d="${bars.join("")}" stroke="${color}" stroke-width="1" fill="none"/>`;
}

function drawFaults(parts: string[], input: PictureInput, top: number): number {
  parts.push(text(LEFT - 8, top + 11, "faults", 12, "end"));
  input.faults.forEach(({ atMs, kind, text: what }, i) => {
    const x = xOf(input, atMs);
    parts.push(
      `<line x1="${n(x)}" y1="45" x2="${n(x)}" y2="${n(top + 4)}" stroke="#999" stroke-width="0.5" stroke-dasharray="2 3"/>`,
    );
    const label = `<title>${escape(what)}</title>${escape(kind)}`;
    parts.push(
      `<text x="${n(x)}" y="${n(top + 8)}" font-size="9" transform="rotate(60 ${n(x)} ${n(top + 8)})" fill="#333" data-fault="${i}">${label}</text>`,
    );
  });
  return top + 90;
}

function drawCloseUps(
  parts: string[],
  input: PictureInput,
  colorOf: (node: string) => string,
  top: number,
): number {
  const scale = (WIDTH - LEFT - RIGHT - 330) / (CLOSE_BEFORE_MS + CLOSE_AFTER_MS);
  const x = (sinceMs: number) =>
    LEFT +
    330 +
    (Math.min(CLOSE_AFTER_MS, Math.max(-CLOSE_BEFORE_MS, sinceMs)) + CLOSE_BEFORE_MS) * scale;
  let y = top;
  parts.push(
    text(LEFT - 140, y, "each failover close up: accepted writes by node, the gap in red", 13),
  );
  y += 14;
  for (let ms = -CLOSE_BEFORE_MS; ms <= CLOSE_AFTER_MS; ms += 100) {
    parts.push(text(x(ms), y, `${ms} ms`, 9, "middle"));
  }
  y += 6;
  for (const failover of input.failovers.slice(0, CLOSE_COUNT_MAX)) {
    const { grid, from, to, reason, faultAtMs, firstNewWriteMs, gapMs } = failover;
    const second = ((faultAtMs - input.fromMs) / 1000).toFixed(1);
    parts.push(
      text(
        LEFT - 140,
        y + 10,
        `${second} s  ${grid}  ${from}→${to}  ${reason}  ${Math.round(gapMs)} ms`,
        10,
      ),
    );
    parts.push(
      rect(x(0), y + 4, Math.max(1, x(firstNewWriteMs - faultAtMs) - x(0)), 5, GAP_COLOR, 0.35),
    );
    for (const write of input.writes) {
      const sinceMs = write.atMs - faultAtMs;
      if (write.grid !== grid || write.refusal !== null) continue;
      if (sinceMs < -CLOSE_BEFORE_MS || sinceMs > CLOSE_AFTER_MS) continue;
      parts.push(rect(x(sinceMs) - 1, y + 1, 2, 11, colorOf(write.writer)));
    }
    y += 14;
  }
  return y;
}

function text(x: number, y: number, content: string, size: number, anchor = "start"): string {
  return `<text x="${n(x)}" y="${n(y)}" font-size="${size}" text-anchor="${anchor}" fill="#222">${escape(content)}</text>`;
}

function rect(
  x: number,
  y: number,
  width: number,
  height: number,
  color: string,
  opacity = 1,
  inner = "",
): string {
  return `<rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" fill="${color}" opacity="${opacity}">${inner}</rect>`;
}
