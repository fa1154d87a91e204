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

export class LivePoints {
  readonly points = signal<readonly LivePoint[]>([]);
  readonly failure = signal("");
  readonly #byId = new Map<string, LivePoint>();
  readonly #ends: (() => void)[] = [];
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
    batch(() => {
      for (const change of changed?.points ?? []) {
        const live = this.#byId.get(`${change.device}.${change.point}`);
        if (live !== undefined) live.reading.value = change;
      }
    });
  }

  end(): void {
    this.#isEnded = true;
    for (const end of this.#ends) end();
  }
}
