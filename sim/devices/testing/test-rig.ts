import { type Socket, connect } from "node:net";
import { loadManifest } from "../../../configs/load-manifest.ts";
import type { DeviceConfig } from "../../../configs/manifest.ts";
import { present } from "../../../kernel/assert.ts";
import type { PointValue } from "../../../kernel/point.ts";
import type { DevicePlant, WriteEntry } from "../simulated-device.ts";

/** Parts for tests of the devices: a device of the example vessel, a plant that records, a raw client. */

const vessel = loadManifest(new URL("../../../configs/vessel.toml", import.meta.url).pathname);

/** `dg1` holds an epoch register, `dg2` is plain. */
export function vesselDevice(id: string): DeviceConfig {
  const devices = vessel.grids.flatMap((grid) => grid.devices);
  return present(
    devices.find((device) => device.id === id),
    "a device of the example vessel",
  );
}

/** Records what reaches the plant; its points are set by the test. */
export class RecordingPlant implements DevicePlant {
  readonly calls: string[] = [];
  readonly values: Record<string, PointValue> = {};
  refusal: string | null = null;

  points(): Readonly<Record<string, PointValue>> {
    return this.values;
  }

  setLevel(_device: string, point: string, value: number): void {
    this.values[point] = value;
    this.calls.push(`${point}=${value}`);
  }

  command(_device: string, command: string): string | null {
    this.calls.push(command);
    return this.refusal;
  }

  setFallback(_device: string, isActive: boolean): void {
    this.calls.push(`fallback ${isActive}`);
  }
}

export function entry(values: Partial<WriteEntry> & { readonly atMs: number }): WriteEntry {
  return {
    grid: "port",
    device: "dg1",
    writer: "n1",
    connectionId: 1,
    connectionOpenedAtMs: 0,
    isFenced: true,
    hasWatchdog: true,
    epoch: null,
    levels: [],
    commands: [],
    refusal: null,
    ...values,
  };
}

/** A raw TCP client that collects what it is sent. */
export class RawClient {
  received: Buffer = Buffer.alloc(0);
  isClosed = false;
  readonly socket: Socket;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk) => {
      this.received = Buffer.concat([this.received, chunk]);
      this.#wake();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.isClosed = true;
      this.#wake();
    });
  }

  static async open(port: number): Promise<RawClient> {
    const socket = connect({ host: "127.0.0.1", port });
    const client = new RawClient(socket);
    await new Promise<void>((resolve) => {
      socket.once("connect", resolve);
      socket.once("close", () => resolve());
    });
    return client;
  }

  send(hex: string): void {
    this.socket.write(bytesOf(hex));
  }

  /** Waits for so many bytes, or the end of the connection. Returns what came, as hexadecimal pairs. */
  async take(length: number): Promise<string> {
    while (this.received.length < length && !this.isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const taken = this.received.subarray(0, length);
    this.received = this.received.subarray(length);
    return hexOf(taken);
  }

  async closed(): Promise<void> {
    while (!this.isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

export function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(" ", ""), "hex");
}

function hexOf(bytes: Buffer): string {
  return bytes.toString("hex").replaceAll(/(..)(?=.)/g, "$1 ");
}
