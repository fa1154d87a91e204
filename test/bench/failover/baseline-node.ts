import { readFileSync } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { parseArgs } from "node:util";
import { Etcd3 } from "etcd3";
import { loadManifest } from "../../../configs/load-manifest.ts";
import { WRITTEN_PROFILES } from "./bench-installation.ts";
import { LeaseLoop } from "./lease-loop.ts";

/**
 * A node of a comparison: a leader as one would write it on what is at hand, either `etcd3`'s own `Election`, or a lease loop in the
 * manner of Kubernetes' leader election. It writes the set-points of its grid each scan while it believes that it leads, as R-EMS's
 * leader would at the most. Takes the daemon's arguments, so that the launcher runs it as it runs `r-emsd`.
 */

const SCAN_MS = 100;
const RETRY_MS = 100;

const { values } = parseArgs({
  strict: false,
  options: {
    kind: { type: "string" },
    "lease-ms": { type: "string" },
    "renew-ms": { type: "string" },
    "retry-ms": { type: "string" },
    config: { type: "string" },
    node: { type: "string" },
    endpoints: { type: "string" },
    "address-map": { type: "string" },
  },
});
const text = (name: string) => String(values[name as keyof typeof values] ?? "");
const node = text("node");
const manifest = loadManifest(text("config"));
const map = JSON.parse(readFileSync(text("address-map"), "utf8")) as Record<string, string>;
const grid = manifest.grids.find(({ controllers }) => controllers.some((one) => one.node === node));
if (grid === undefined) {
  process.stderr.write(`no grid has a controller on ${node}\n`);
  process.exit(2);
}

let isLeading = false;

/** The connection to one device, kept open while standing by too, with at most one write unanswered. */
class Device {
  readonly #host: string;
  readonly #port: number;
  readonly #unitId: number;
  #socket: Socket | null = null;
  #isOpen = false;
  #isUnanswered = false;
  #transaction = 0;

  constructor(address: string, unitId: number) {
    const [host = "", port = ""] = (map[address] ?? address).split(":");
    this.#host = host;
    this.#port = Number(port);
    this.#unitId = unitId;
    this.#connect();
  }

  write(value: number): void {
    if (!this.#isOpen || this.#isUnanswered) return;
    const frame = Buffer.alloc(12);
    frame.writeUInt16BE((this.#transaction = (this.#transaction + 1) % 65_536), 0);
    frame.writeUInt16BE(6, 4);
    frame.writeUInt8(this.#unitId, 6);
    frame.writeUInt8(6, 7);
    frame.writeUInt16BE(0, 8);
    frame.writeUInt16BE(value, 10);
    this.#isUnanswered = true;
    this.#socket?.write(frame);
  }

  #connect(): void {
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true });
    this.#socket = socket;
    this.#isUnanswered = false;
    socket.on("connect", () => (this.#isOpen = true));
    socket.on("data", () => (this.#isUnanswered = false));
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#isOpen = false;
      setTimeout(() => this.#connect(), RETRY_MS);
    });
  }
}

const devices = grid.devices
  .filter(({ profile }) => WRITTEN_PROFILES.includes(profile.id))
  .map(({ host, port, unitId }) => new Device(`${host}:${port}`, unitId));

let timer: NodeJS.Timeout | null = null;
function scan(): void {
  for (const device of devices) device.write(3000);
}
function lead(isSo: boolean): void {
  if (isLeading === isSo) return;
  isLeading = isSo;
  if (timer !== null) clearInterval(timer);
  timer = null;
  if (!isSo) return;
  scan();
  timer = setInterval(scan, SCAN_MS);
}

const hosts = text("endpoints")
  .split(",")
  .map((endpoint) => `http://${map[endpoint] ?? endpoint}`);
const client = new Etcd3({ hosts });

/** The library's example, with what it leaves to the user: who lost campaigns again. */
async function campaign(): Promise<void> {
  const election = client.election(`bench/${grid?.id ?? ""}`, 1);
  for (;;) {
    const candidacy = election.campaign(node);
    const lost = new Promise<void>((resolve) => {
      candidacy.on("error", () => resolve());
      candidacy.on("elected", () => lead(true));
    });
    await candidacy.getCampaignKey().then(
      () => process.stderr.write("ready\n"),
      () => {},
    );
    await lost;
    lead(false);
    await candidacy.resign().catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

if (text("kind") === "election") void campaign();
else {
  const loop = new LeaseLoop({
    client,
    key: `bench/${grid.id}/lease`,
    holder: node,
    leaseMs: Number(text("lease-ms")),
    renewMs: Number(text("renew-ms")),
    retryMs: Number(text("retry-ms")),
    onLeading: lead,
    onReady: () => process.stderr.write("ready\n"),
  });
  void loop.run();
}

process.on("SIGTERM", () => process.exit(0));
process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
