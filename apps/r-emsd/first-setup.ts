import { dirname } from "node:path";
import { findManifestPath } from "../../configs/manifest-path.ts";
import { startSetupServer } from "../../api/setup/setup-server.ts";
import { SetupWizard } from "../../configs/setup/wizard.ts";
import type { DaemonOptions } from "./options.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const HTTP_PORT = 7402;

/**
 * Serves the setup wizard until the manifest is saved, then returns: the node starts with it. Ends with the process before that on SIGTERM and
 * SIGINT, or with stdin where the options say so; what was answered is kept.
 */
export async function runFirstSetup(options: DaemonOptions, env: Environment): Promise<void> {
  const root = dirname(findManifestPath(undefined, env));
  const tell = (text: string): void => void process.stderr.write(`r-emsd: ${text}\n`);
  let port = options.httpPort ?? HTTP_PORT;
  let code = "";
  const tellCode = (): void =>
    tell(
      `setup wizard at http://127.0.0.1:${port}/#/setup, code ${code}; or: r-emsctl setup wizard`,
    );
  let isListening = false;
  const server = await startSetupServer({
    openWizard: () => new SetupWizard({ root, client: "web", nowMs: Date.now }),
    port,
    onCode(next) {
      code = next;
      if (isListening) tellCode();
    },
  });
  ({ port } = server);
  isListening = true;
  tell(`there is no manifest in ${root} yet`);
  tellCode();
  const leave = (): never => process.exit(0);
  process.once("SIGTERM", leave);
  process.once("SIGINT", leave);
  if (options.isStoppedWithStdin) {
    process.stdin.once("end", leave);
    process.stdin.resume();
  }
  const saved = await server.saved;
  await server.close();
  process.off("SIGTERM", leave);
  process.off("SIGINT", leave);
  process.stdin.off("end", leave);
  tell(`${saved.path} is written; starting`);
}
