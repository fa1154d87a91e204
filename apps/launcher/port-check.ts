import { createServer } from "node:net";
import type { Manifest } from "../../configs/manifest.ts";
import { RemsError } from "../../kernel/errors.ts";

/** A TCP port that the manifest wants, and for what. */
export interface WantedPort {
  readonly host: string;
  readonly port: number;
  readonly purpose: string;
}

/** Every port that a run of the manifest listens on, each address once. */
export function portsOf(manifest: Manifest): WantedPort[] {
  const wanted: WantedPort[] = manifest.nodes.flatMap(({ id, host, ...node }) => [
    { host, port: node.peerPort, purpose: `node ${id}, other nodes (peer_port)` },
    { host, port: node.operatorPort, purpose: `node ${id}, operator gRPC (operator_port)` },
    { host, port: node.httpPort, purpose: `node ${id}, HTTP (http_port)` },
  ]);
  for (const { host, port, id } of manifest.grids.flatMap((grid) => grid.devices)) {
    const isKnown = wanted.some((one) => one.host === host && one.port === port);
    if (!isKnown) wanted.push({ host, port, purpose: `simulated device ${id}` });
  }
  return wanted;
}

/**
 * Makes sure that nobody listens on the ports of a manifest.
 * @throws {@link RemsError} `REMS_PORT_IN_USE` that names every port in use, what wants it, and what to do.
 */
export async function checkPorts(manifest: Manifest): Promise<void> {
  const taken: string[] = [];
  for (const wanted of portsOf(manifest)) {
    const code = await tryListen(wanted);
    if (code === null) continue;
    const why = code === "EADDRINUSE" ? "is in use" : `cannot be opened (${code})`;
    taken.push(`${wanted.host}:${wanted.port} ${why}; it is for ${wanted.purpose}`);
  }
  const [first, ...others] = taken;
  if (first === undefined) return;
  const more = others.length === 0 ? "" : `, and ${others.length} more`;
  throw new RemsError(
    "REMS_PORT_IN_USE",
    `Port ${first}${more}. Is another R-EMS running? End it (Ctrl-C in its terminal), or run a copy of ${manifest.path} with other ports: npm start -- --config FILE`,
  );
}

function tryListen({ host, port }: WantedPort): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}
