import { batch, signal, type Signal } from "@preact/signals";
import type { Device, Value } from "./messages.ts";
import { request } from "./node-link.ts";
import { paths } from "./paths.ts";
import { openStream } from "./stream.ts";

/**
 * Points as they are, each a signal of its own: where one changes, one table cell is written anew and nothing else is looked at. That
 * is what lets hundreds of them change five times a second on a small machine.
 */

export interface LivePoint {
  readonly device: string;
  readonly point: string;
  readonly unit: string;
  readonly isLevel: boolean;
  readonly reading: Signal<Reading>;
}

interface Reading {
  readonly value?: Value;
  readonly quality: string;
  /** Absent where it is good. */
  readonly ageMs?: number;
}

interface PointChange extends Reading {
  readonly device: string;
  readonly point: string;
}

interface PointsMessage {
  readonly changed?: { readonly points: readonly PointChange[] };
}

/** Five hundred points are shown within eight frames, before the next update comes. */
const FRAME_COUNT_MAX = 64;

export class LivePoints {
  readonly points = signal<readonly LivePoint[]>([]);
  readonly failure = signal("");
  readonly #byId = new Map<string, LivePoint>();
  readonly #ends: (() => void)[] = [];
  /** Newest readings that are not shown yet. */
  readonly #waiting = new Map<string, Reading>();
  #frame = 0;
  #isEnded = false;

  /** @param device - Only this one; empty: all of the node. */
  constructor(device: string) {
    void this.#begin(device);
  }

  async #begin(device: string): Promise<void> {
    try {
      const { devices } = await request<{ devices: readonly Device[] }>(
        paths.devicesWithPoints(device),
      );
      if (this.#isEnded) return;
      for (const one of devices) {
        for (const reading of one.points) {
          const { point, unit, isLevel } = reading;
          const live = {
            device: one.device,
            point,
            unit,
            isLevel,
            reading: signal<Reading>(reading),
          };
          this.#byId.set(`${one.device}.${point}`, live);
        }
      }
      this.points.value = [...this.#byId.values()];
      this.#ends.push(
        openStream(() => paths.pointStream(device), {
          points: (message) => this.#take(message as PointsMessage),
        }),
      );
    } catch (error) {
      this.failure.value = error instanceof Error ? error.message : String(error);
    }
  }

  #take({ changed }: PointsMessage): void {
    for (const change of changed?.points ?? []) {
      this.#waiting.set(`${change.device}.${change.point}`, change);
    }
    if (this.#waiting.size > 0 && this.#frame === 0)
      this.#frame = requestAnimationFrame(this.#show);
  }

  /** A part of what waits in each frame: hundreds of changes at once would leave frames out. */
  readonly #show = (): void => {
    let count = 0;
    batch(() => {
      for (const [id, reading] of this.#waiting) {
        if (count >= FRAME_COUNT_MAX) break;
        count += 1;
        this.#waiting.delete(id);
        const live = this.#byId.get(id);
        if (live !== undefined) live.reading.value = reading;
      }
    });
    this.#frame = this.#waiting.size === 0 ? 0 : requestAnimationFrame(this.#show);
  };

  end(): void {
    this.#isEnded = true;
    cancelAnimationFrame(this.#frame);
    for (const end of this.#ends) end();
  }
}
