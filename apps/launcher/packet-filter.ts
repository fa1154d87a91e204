import { spawn } from "node:child_process";
import { RemsError } from "../../kernel/errors.ts";

/** Drops packets of single TCP ports in this network namespace, so that cuts look to both ends as a pulled cable does. */
export interface PacketFilter {
  /** Drops what goes to and comes from the ports, or lets it pass again. Resolves once it is so. */
  setCut(ports: readonly number[], isCut: boolean): Promise<void>;
}

const TABLE = "r_ems_chaos";
const RULES = `table inet ${TABLE} {
  set cut { type inet_service; }
  chain input {
    type filter hook input priority 0; policy accept;
    tcp dport @cut drop
    tcp sport @cut drop
  }
}
`;

/**
 * @param program - `nft`.
 * @param libraryPath - Where its libraries are, in place of the system's folders; empty for those.
 * @throws {@link RemsError} `REMS_PROGRAM_FAILED` where this user may not.
 */
export async function openPacketFilter(
  program: string,
  libraryPath: string,
): Promise<PacketFilter> {
  await run(program, libraryPath, RULES);
  let last = Promise.resolve();
  return {
    async setCut(ports, isCut) {
      if (ports.length === 0) return;
      const verb = isCut ? "add" : "delete";
      const script = `${verb} element inet ${TABLE} cut { ${ports.join(", ")} }\n`;
      // One after the other: a cut must not overtake the end of the one before.
      last = last.catch(() => {}).then(() => run(program, libraryPath, script));
      await last;
    },
  };
}

function run(program: string, libraryPath: string, script: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ["-f", "-"], {
      stdio: ["pipe", "ignore", "pipe"],
      env: libraryPath === "" ? process.env : { ...process.env, LD_LIBRARY_PATH: libraryPath },
    });
    let text = "";
    child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
    child.on("error", (error) => {
      text += error.message;
    });
    child.on("close", (code) => {
      if (code === 0) resolve();
      else reject(new RemsError("REMS_PROGRAM_FAILED", `nft: ${text.trim().slice(0, 500)}`));
    });
    child.stdin.on("error", () => {});
    child.stdin.end(script);
  });
}
