import fastify, { type FastifyInstance } from "fastify";
import { serveFiles } from "../../../api/http/static-files.ts";

/**
 * The HTTP of a node with more points than an example installation has, every one of which changes in every update: the most that a page
 * can be asked to show. Its messages are those of a node; its files are the built application.
 */

export const DEVICE_COUNT = 25;
export const POINT_COUNT = 20;

const pointName = (index: number): string => `point${String(index).padStart(2, "0")}Kw`;

function readings(tick: number): { point: string; value: { number: number } }[] {
  return Array.from({ length: POINT_COUNT }, (_none, index) => ({
    point: pointName(index),
    value: { number: ((tick * 17 + index * 31) % 10_000) / 10 },
  }));
}

export function createPointSource(updatesPerSecond: number): FastifyInstance {
  const server = fastify({ forceCloseConnections: true });
  const devices = Array.from({ length: DEVICE_COUNT }, (_none, index) => `d${index + 1}`);
  server.get("/healthz", () => ({ status: "ok", node: "n1", isSimulation: true }));
  server.get("/api/v1/status", () => ({
    node: "n1",
    installation: "bench",
    isSimulation: true,
    uptimeMs: 0,
    grids: [],
    coordinator: "embedded",
    version: "bench",
  }));
  server.get("/api/v1/topology", () => ({
    installation: "bench",
    isLand: false,
    busbars: [],
    ties: [],
    islands: [],
    isSimulation: true,
  }));
  server.get("/api/v1/nodes", () => ({ nodes: [], isSimulation: true }));
  server.get("/api/v1/devices", () => ({
    isSimulation: true,
    devices: devices.map((device) => ({
      device,
      name: device,
      grid: "bench",
      kind: "genset",
      profile: "bench",
      host: "127.0.0.1",
      port: 502,
      unitId: 1,
      connection: "online",
      points: readings(0).map((reading) => ({
        ...reading,
        quality: "good",
        unit: "kW",
        isLevel: false,
      })),
    })),
  }));
  server.get("/api/v1/events", (request, reply) => {
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    raw.write(`event: hello\ndata: {"node":"n1"}\n\n`);
    if (!request.url.includes("topics=points")) return;
    let tick = 0;
    const timer = setInterval(() => {
      tick += 1;
      const points = devices.flatMap((device) =>
        readings(tick).map((reading) => ({ device, ...reading, quality: "good" })),
      );
      raw.write(
        `event: points\ndata: ${JSON.stringify({ changed: { grid: "bench", points } })}\n\n`,
      );
    }, 1000 / updatesPerSecond);
    raw.once("close", () => clearInterval(timer));
  });
  serveFiles(server, []);
  return server;
}
