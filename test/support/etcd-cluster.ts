import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findEtcdProgram, startEtcdMembers } from "../../apps/launcher/etcd-members.ts";
import type { EtcdMembers } from "../../apps/launcher/etcd-members.ts";
import { RemsError } from "../../kernel/errors.ts";

/**
 * A real etcd cluster of three members on loopback, in a folder that goes with it.
 * @throws RemsError `REMS_PROGRAM_MISSING` that says how to get etcd.
 */
export async function startEtcdCluster(count = 3): Promise<EtcdMembers> {
  const projectDirectory = new URL("../..", import.meta.url).pathname;
  const program = findEtcdProgram(projectDirectory);
  if (program === null) {
    const message = "these tests need etcd, which is neither on the PATH nor in .cache/";
    throw new RemsError("REMS_PROGRAM_MISSING", `${message}: run "npm run etcd"`);
  }
  const directory = await mkdtemp(join(tmpdir(), "r-ems-etcd-"));
  const members = await startEtcdMembers({ program, directory, count });
  return {
    ...members,
    async stop() {
      await members.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
