import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { z } from "zod";
import type { Installation } from "./cluster.ts";
import { machineMonotonicMs } from "./host-pauses.ts";
import type { RunContext } from "./run.ts";
import { ACTION_FORMS, parseAction } from "./schedule.ts";

/**
 * What the keys of the view do, over HTTP on loopback: the nodes of a simulated installation pass on what their web pages ask for, so
 * that a page needs no other address than its node's.
 */
export interface ControlServer {
  /** `http://127.0.0.1:<port>`: for the option --simulation-control of the nodes. */
  readonly url: string;
  /** From now on actions are taken. */
  begin(context: RunContext): void;
  close(): void;
}

const BODY_BYTES_MAX = 4096;
const request = z.strictObject({ action: z.string().min(1).max(200) });

export async function openControlServer(): Promise<ControlServer> {
  let context: RunContext | null = null;
  const server = createServer((incoming, response) => {
    answer(incoming, context).then(
      ({ code, body }) => send(response, code, body),
      (error: unknown) => send(response, 400, { message: messageOf(error) }),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    begin(running) {
      context = running;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

interface Answer {
  readonly code: number;
  readonly body: object;
}

async function answer(incoming: IncomingMessage, context: RunContext | null): Promise<Answer> {
  if (context === null) return { code: 503, body: { message: "the installation is starting" } };
  if (incoming.method === "GET") return { code: 200, body: stateOf(context) };
  if (incoming.method !== "POST") return { code: 405, body: { message: "GET or POST" } };
  const { action } = request.parse(JSON.parse(await textOf(incoming)));
  const outcome = await context.attempt(parseAction(action));
  return { code: 200, body: { isAccepted: outcome.isDone, reason: outcome.text } };
}

/** What can be done, and how those that it is done to are. */
function stateOf({ installation, startedAtMs, faults }: RunContext): object {
  return {
    actions: ACTION_FORMS.map(([form, meaning]) => ({ form, meaning })),
    nodes: installation.nodeViews().map(({ id, state }) => ({ node: id, state })),
    underWay: faults.underWay,
    runningMs: machineMonotonicMs() - startedAtMs,
    ...plantOf(installation),
  };
}

/** As the simulator has it, whoever controls: also while no controller lives. */
function plantOf(installation: Installation): object {
  const plant = installation.plant();
  return {
    isLand: installation.manifest.installation.kind === "land",
    grids: plant?.grids.map(({ id, frequencyHz, voltageV, loadKw, isLive, writer }) => {
      return { grid: id, frequencyHz, voltageV, loadKw, isLive, writer };
    }),
    totals: installation.totals(),
  };
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of incoming) {
    text += String(chunk);
    if (text.length > BODY_BYTES_MAX) throw new RangeError(`more than ${BODY_BYTES_MAX} bytes`);
  }
  return text;
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/ \[REMS_\w+\]/g, "");
}

function send(response: ServerResponse, code: number, body: object): void {
  response.writeHead(code, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
