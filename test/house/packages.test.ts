import { expect, it } from "vitest";
import { projectFiles, read } from "./project-files.ts";

/**
 * Packages that the project is committed to, and the folder whose product code (not only its tests) stands on each. Replacing one is a
 * decision about the project, not about a folder.
 */
const USED_BY: readonly (readonly [name: string, folder: string])[] = [
  ["xstate", "actors/"],
  ["@grpc/grpc-js", "cluster/node/"],
  ["@grpc/proto-loader", "apps/r-emsctl/"],
  ["protobufjs", "proto/"],
  ["etcd3", "cluster/node/"],
  ["pino", "apps/r-emsd/"],
  ["prom-client", "api/"],
  ["@photostructure/sqlite", "history/"],
  // The scheduler, the gate at the socket and the time limits are our own; requests are encoded and replies decoded by the library,
  // through a port of our own that it writes to and reads from (drivers/modbus alone mends this one).
  ["modbus-serial", "drivers/modbus/"],
];

it.each(USED_BY)("%s is what %s stands on", (name, folder) => {
  const users = projectFiles().filter(
    (file) =>
      file.startsWith(folder) &&
      file.endsWith(".ts") &&
      !/\.test\.ts$|\/testing\//.test(file) &&
      read(file).includes(`from "${name}`),
  );
  expect(users, `no product file of ${folder} imports ${name}`).not.toEqual([]);
});
