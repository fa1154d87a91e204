import type { Manifest } from "../../configs/manifest.ts";
import type { PointValue } from "../../kernel/point.ts";
import { changedValues } from "../../sim/playback/changed-values.ts";
import { describeManifest, loadPlayback } from "../../sim/playback/load-playback.ts";
import type { Playback } from "../../sim/playback/signal.ts";
import type { SimulatorCommand } from "../../sim/simulator/protocol.ts";

export interface PlaybackOptions {
  /** File or shipped course. */
  readonly what: string;
  readonly mapPath: string | null;
  /** 1 is as fast as it happened. */
  readonly speed: number;
}

const EVERY_MS = 100;

/** Loads before anything is started: what is wrong with a file is told at once. */
export function openPlayback(manifest: Manifest, { what, mapPath }: PlaybackOptions): Playback {
  const kinds = new Map<string, string>(
    manifest.grids.flatMap((grid) => grid.devices.map(({ id, kind }) => [id, kind] as const)),
  );
  return loadPlayback(what, mapPath, describeManifest(manifest), (id) => kinds.get(id) ?? null);
}

/**
 * Plays into the simulated devices from now on; at the end the last values hold.
 * @returns Ends it.
 */
export function startPlayback(
  playback: Playback,
  speed: number,
  simulate: (command: SimulatorCommand) => void,
  tell: (text: string) => void,
): () => void {
  const startedAtMs = performance.now();
  const told = new Map<string, PointValue | null>();
  const length = Number.isFinite(playback.durationMs)
    ? ` (${Math.round(playback.durationMs / 1000 / speed)} s)`
    : "";
  const points = playback.signals.map(({ device, point }) => `${device}.${point}`);
  const shown =
    points.length > 6
      ? `${points.slice(0, 6).join(", ")} and ${points.length - 6} more`
      : points.join(", ");
  tell(`playing ${playback.name} at ${speed} times its speed${length} into ${shown}`);
  for (const remark of playback.remarks) tell(remark);
  const play = (): void => {
    const tMs = (performance.now() - startedAtMs) * speed;
    const values = changedValues(playback, Math.min(tMs, playback.durationMs), told);
    if (values.length > 0) simulate({ type: "drive", values });
    if (tMs < playback.durationMs) return;
    clearInterval(timer);
    tell(`${playback.name} is at its end; the last values hold`);
  };
  const timer = setInterval(play, EVERY_MS);
  play();
  return () => clearInterval(timer);
}
