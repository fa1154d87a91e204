import { createServer } from "node:net";

/**
 * Tries to listen, and stops at once.
 * @returns Null where a program may listen there, else why not, for people.
 */
export function whyNotListen(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", ({ code = "" }: NodeJS.ErrnoException) =>
      resolve(REASONS[code] ?? `listening fails with ${code}`),
    );
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program listens there",
  EADDRNOTAVAIL: "this machine has no such address",
  ENOTFOUND: "the host's name is not known",
  EACCES: "a port below 1024 needs privileges",
};
