import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { openBrowser } from "../../support/browser.ts";
import { createPointSource, DEVICE_COUNT, POINT_COUNT } from "./point-source.ts";

/**
 * `npm run bench:web [-- SECONDS]`: the page of all points with 500 of them, each changing five times a second, in Chromium: at the speed of
 * this machine, and slowed down four and six times by Chromium itself, as a small machine would be. About a minute and a half by default.
 */

const UPDATES_PER_SECOND = 5;
const SLOWDOWNS = [1, 4, 6] as const;
const SETTLE_MS = 3000;
/** A frame that came later than one and a half of its time left one out. */
const FRAME_MS = 1000 / 60;

interface Measured {
  readonly slowdown: number;
  readonly rows: number;
  readonly frames: number;
  readonly dropped: number;
  readonly frameMsMax: number;
  readonly longTasks: number;
  readonly updates: number;
}

/** Runs in the page: the distance of frames, tasks over 50 ms, and how often a cell changed. */
const WATCH = `(ms) => new Promise((resolve) => {
  const result = { frames: 0, dropped: 0, frameMsMax: 0, longTasks: 0, updates: 0 };
  const tasks = new PerformanceObserver((list) => { result.longTasks += list.getEntries().length; });
  tasks.observe({ entryTypes: ["longtask"] });
  const cell = document.querySelector(".point-table td.number");
  const changes = new MutationObserver(() => { result.updates += 1; });
  changes.observe(cell, { characterData: true, childList: true, subtree: true });
  let last = 0;
  const begin = performance.now();
  const onFrame = (now) => {
    if (last > 0) {
      const gap = now - last;
      result.frames += 1;
      result.frameMsMax = Math.max(result.frameMsMax, gap);
      result.dropped += Math.max(0, Math.round(gap / ${FRAME_MS}) - 1);
    }
    last = now;
    if (now - begin < ms) requestAnimationFrame(onFrame);
    else { tasks.disconnect(); changes.disconnect(); resolve(result); }
  };
  requestAnimationFrame(onFrame);
})`;

async function measure(
  browser: Browser,
  origin: string,
  slowdown: number,
  seconds: number,
): Promise<Measured> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const session = await page.context().newCDPSession(page);
  await page.goto(`${origin}/#/points`);
  await page
    .locator(".point-table tbody tr")
    .nth(DEVICE_COUNT * POINT_COUNT - 1)
    .waitFor({ state: "attached" });
  await session.send("Emulation.setCPUThrottlingRate", { rate: slowdown });
  await page.waitForTimeout(SETTLE_MS);
  const rows = await page.locator(".point-table tbody tr").count();
  const seen = (await page.evaluate(`(${WATCH})(${seconds * 1000})`)) as Omit<
    Measured,
    "slowdown" | "rows"
  >;
  await page.close();
  return { slowdown, rows, ...seen };
}

const seconds = Number(process.argv[2] ?? 20);
const server = createPointSource(UPDATES_PER_SECOND);
const origin = await server.listen({ host: "127.0.0.1", port: 0 });
const browser = await openBrowser();
const results: Measured[] = [];
try {
  for (const slowdown of SLOWDOWNS) results.push(await measure(browser, origin, slowdown, seconds));
} finally {
  await browser.close();
  await server.close();
}

process.stdout.write(
  `${DEVICE_COUNT * POINT_COUNT} points, each changed ${UPDATES_PER_SECOND} times a second, ${seconds} s each; ${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} cores\n\n`,
);
process.stdout.write(
  "slowed down   frames   dropped   longest frame   tasks over 50 ms   updates seen\n",
);
for (const { slowdown, frames, dropped, frameMsMax, longTasks, updates } of results) {
  const cells = [
    `${slowdown} ×`.padEnd(12),
    String(frames).padStart(8),
    `${dropped} (${((100 * dropped) / Math.max(1, frames + dropped)).toFixed(2)} %)`.padStart(13),
    `${frameMsMax.toFixed(1)} ms`.padStart(12),
    String(longTasks).padStart(14),
    String(updates).padStart(16),
  ];
  process.stdout.write(`${cells.join("")}\n`);
}
const folder = join(import.meta.dirname, "..", "..", "..", ".cache", "bench");
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "web.json"), `${JSON.stringify({ seconds, results }, null, 2)}\n`);
