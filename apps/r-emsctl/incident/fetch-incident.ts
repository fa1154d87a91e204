import { existsSync } from "node:fs";
import type { IncidentRange, NodeHistory } from "../../../history/assemble-incident.ts";
import { FILE_BYTES_MAX } from "../../../history/incident-file.ts";
import { readIncident } from "../../../history/incident.ts";
import { listStoredIncidents } from "../../../history/incident-store.ts";
import { historyOfIncident } from "../../../history/node-history.ts";
import { RemsError } from "../../../kernel/errors.ts";
import type { Method } from "../../../proto/method-definition.ts";
import { IncidentService, rems } from "../../../proto/generated/rems-v1.ts";
import { type CommandContext, EXIT, isJson } from "../command-context.ts";
import { OperatorClient, OperatorRefusal } from "../operator-client.ts";
import { writeOutput } from "../output-file.ts";
import { linesFor, tableFor } from "../terminal.ts";
import { timeText } from "./replay-text.ts";

/** The client of the node that the program's options name. */
function clientOf(context: CommandContext, address?: string): OperatorClient {
  return new OperatorClient(address ?? context.address(), context.timeoutMs());
}

interface Entry {
  readonly name: string;
  readonly reason: string;
  readonly fromWallMs: number;
  readonly toWallMs: number;
  readonly grids: readonly string[];
  readonly byteCount: number;
}

/** What a node is recording: a file that is not there yet. */
interface Pending {
  readonly reason: string;
  readonly fromWallMs: number;
  readonly untilWallMs: number;
}

/** `incident list`: of data directories, or of a running node. */
export async function listIncidents(
  context: CommandContext,
  directories: readonly string[],
): Promise<void> {
  const { entries, pending } =
    directories.length > 0
      ? { entries: directories.flatMap((one): Entry[] => listStoredIncidents(one)), pending: [] }
      : await fetchList(context);
  const { terminal } = context;
  if (isJson(context)) {
    for (const { reason, fromWallMs, untilWallMs } of pending) {
      const times = { from: timeText(fromWallMs), until: timeText(untilWallMs) };
      terminal.out(JSON.stringify({ isPending: true, reason, ...times }));
    }
    for (const { name, reason, fromWallMs, toWallMs, grids, byteCount } of entries) {
      const times = { from: timeText(fromWallMs), to: timeText(toWallMs) };
      terminal.out(JSON.stringify({ name, reason, ...times, grids, byteCount }));
    }
    context.finish(EXIT.ok);
    return;
  }
  for (const one of pending) terminal.out(linesFor(terminal, pendingText(one)));
  if (entries.length === 0) {
    const none = pending.length === 0 ? "no incident was captured" : "no other was captured";
    terminal.out(none);
  } else {
    const rows = entries.map(({ name, reason, fromWallMs, toWallMs, grids, byteCount }) => [
      name,
      `${timeText(fromWallMs).slice(0, 19)} to ${timeText(toWallMs).slice(11, 19)}`,
      grids.join(" "),
      `${Math.ceil(byteCount / 1024)} kB`,
      reason,
    ]);
    terminal.out(tableFor(terminal, [["NAME", "UTC", "GRIDS", "SIZE", "REASON"], ...rows]));
  }
  context.finish(EXIT.ok);
}

function pendingText({ reason, fromWallMs, untilWallMs }: Pending): string {
  const from = timeText(fromWallMs).slice(0, 19);
  const until = timeText(untilWallMs).slice(11, 19);
  return `being recorded, from ${from} to ${until} UTC or half a minute after whatever else happens: ${reason}`;
}

async function fetchList(
  context: CommandContext,
): Promise<{ readonly entries: Entry[]; readonly pending: Pending[] }> {
  const client = clientOf(context);
  try {
    const { incidents, pending } = await client.call(
      IncidentService.listIncidents,
      rems.v1.ListIncidentsRequest.create(),
    );
    return {
      entries: incidents.map((entry) => ({
        name: entry.name ?? "",
        reason: entry.reason ?? "",
        fromWallMs: entry.fromWallTimeMs ?? 0,
        toWallMs: entry.toWallTimeMs ?? 0,
        grids: entry.grids ?? [],
        byteCount: Number(entry.byteCount ?? 0),
      })),
      pending: pending.map((one) => ({
        reason: one.reason ?? "",
        fromWallMs: one.fromWallTimeMs ?? 0,
        untilWallMs: one.untilWallTimeMs ?? 0,
      })),
    };
  } finally {
    client.close();
  }
}

/** `incident fetch`: writes a captured incident of a running node into a file. */
export async function fetchIncident(
  context: CommandContext,
  name: string,
  output: string,
): Promise<void> {
  if (existsSync(output)) {
    throw new RemsError("REMS_REQUEST_INVALID", `${output} is there already; name another with -o`);
  }
  const client = clientOf(context);
  try {
    const request = rems.v1.FetchIncidentRequest.create({ name });
    const bytes = await collectParts(context, client, IncidentService.fetchIncident, request);
    readIncident(bytes);
    writeOutput(output, bytes);
    const text = `${output}: ${bytes.length} bytes`;
    context.terminal.out(
      isJson(context) ? JSON.stringify({ output, byteCount: bytes.length }) : text,
    );
  } finally {
    client.close();
  }
  context.finish(EXIT.ok);
}

/**
 * What every node of an installation holds of a time: the one at --address is asked, then the others that it names.
 * @param remarks - Takes the nodes that did not answer.
 */
export async function fetchHistories(
  context: CommandContext,
  range: Pick<IncidentRange, "grids" | "fromWallMs" | "toWallMs">,
  remarks: string[],
): Promise<NodeHistory[]> {
  const first = clientOf(context);
  let addresses: string[];
  try {
    const list = await first.call(
      IncidentService.listIncidents,
      rems.v1.ListIncidentsRequest.create(),
    );
    addresses = [first.address, ...list.addresses.filter((other) => other !== first.address)];
  } finally {
    first.close();
  }
  const histories: NodeHistory[] = [];
  let refusal: unknown = null;
  for (const address of addresses) {
    const client = clientOf(context, address);
    try {
      const request = rems.v1.ExportIncidentRequest.create({
        grids: [...range.grids],
        fromWallTimeMs: range.fromWallMs,
        toWallTimeMs: range.toWallMs,
      });
      const bytes = await collectParts(context, client, IncidentService.exportIncident, request);
      histories.push(historyOfIncident(address, readIncident(bytes)));
    } catch (error) {
      if (!(error instanceof OperatorRefusal)) throw error;
      refusal ??= error;
      remarks.push(`the node at ${address} gave nothing: ${error.message}`.slice(0, 1000));
    } finally {
      client.close();
    }
  }
  if (histories.length === 0) throw refusal;
  return histories;
}

async function collectParts<Request, Response extends { data?: Uint8Array | null }>(
  { terminal, signal }: CommandContext,
  client: OperatorClient,
  method: Method<Request, Response>,
  request: Request,
): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let byteCount = 0;
  const cut = new AbortController();
  await client.read(
    method,
    request,
    ({ data }) => {
      if (!data) return;
      byteCount += data.length;
      if (byteCount > FILE_BYTES_MAX) cut.abort();
      else parts.push(data);
      terminal.progress?.(`from ${client.address}: ${Math.round(byteCount / 1024)} kB`);
    },
    AbortSignal.any([signal, cut.signal]),
  );
  terminal.progress?.("");
  if (cut.signal.aborted) {
    throw new RemsError("REMS_INCIDENT_INVALID", `${client.address} sent more than an incident`);
  }
  return Buffer.concat(parts);
}
