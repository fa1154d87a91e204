import { createServer } from "node:net";
import { RemsError } from "../../kernel/errors.ts";

/** Below the range that the system takes for outgoing connections: a node that is down for a moment must find its ports free again. */
const PORT_MIN = 15_000;
const PORT_MAX = 31_000;

/** Ports that nobody listens on at this moment, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const found: number[] = [];
  const start = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN));
  for (let i = 0; found.length < count; i++) {
    if (i > PORT_MAX - PORT_MIN) throw new RemsError("REMS_PORT_IN_USE", "there are no free ports");
    const port = PORT_MIN + ((start - PORT_MIN + i) % (PORT_MAX - PORT_MIN));
    if (await isFree(port)) found.push(port);
  }
  return found;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
