import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import type { ServerWritableStream, UntypedServiceImplementation } from "@grpc/grpc-js";
import { listStoredIncidents } from "../history/incident-store.ts";
import type { IncidentJob, IncidentJobResult } from "../history/incident-job.ts";
import { RemsError } from "../kernel/errors.ts";
import { rems, type Types } from "../proto/generated/rems-v1.ts";
import { grpcErrorOf, implementationOf } from "./grpc-handlers.ts";
import type { PendingCapture } from "./incident-capture.ts";
import type { NodeView } from "./node-view.ts";
import { unary, type Service } from "./service.ts";
import { operatorAddressOf } from "./status-message.ts";

type V1 = typeof Types.rems.v1;
type FetchCall = ServerWritableStream<
  InstanceType<V1["FetchIncidentRequest"]>,
  InstanceType<V1["FetchIncidentResponse"]>
>;
type ExportCall = ServerWritableStream<
  InstanceType<V1["ExportIncidentRequest"]>,
  InstanceType<V1["ExportIncidentResponse"]>
>;

const PART_BYTES = 64 * 1024;
const TIME_MS_MAX = 8.64e15;

/** Hands out recordings: what gRPC and HTTP both answer from. */
export interface IncidentDesk {
  /** The unary methods of `rems.v1.IncidentService`. */
  readonly service: Service;
  /** @throws {@link RemsError} `REMS_NOT_FOUND`. */
  open(name: string): Readable;
  /** Its file. @throws {@link RemsError} `REMS_NOT_FOUND`. */
  pathOf(name: string): string;
  /** @throws {@link RemsError} `REMS_REQUEST_REFUSED` while another is made, `REMS_NOT_FOUND` where the journal has nothing of that time. */
  export(request: Types.rems.v1.ExportIncidentRequest): Promise<Readable>;
}

/**
 * @param run - One job at a time; a second one is refused.
 * @param pending - What is being recorded.
 */
export function createIncidentDesk(
  view: NodeView,
  dataDirectory: string | null,
  run: (job: IncidentJob) => Promise<IncidentJobResult>,
  pending: () => readonly PendingCapture[],
): IncidentDesk {
  let isBusy = false;
  const directory = (): string => {
    if (dataDirectory !== null) return dataDirectory;
    throw new RemsError("REMS_NOT_FOUND", "this node keeps no incidents");
  };
  return {
    open: (name) => createReadStream(storedPath(directory(), name), { highWaterMark: PART_BYTES }),
    pathOf: (name) => storedPath(directory(), name),
    async export(request) {
      const dataDirectoryOf = directory();
      if (isBusy) {
        const text = "this node reads its journal for somebody else now; try again in a moment";
        throw new RemsError("REMS_LIMIT_REACHED", text, { isRetryable: true });
      }
      isBusy = true;
      try {
        const result = await run({
          dataDirectory: dataDirectoryOf,
          grids: request.grids,
          fromWallMs: timeOf(request.fromWallTimeMs, "from_wall_time_ms"),
          toWallMs: timeOf(request.toWallTimeMs, "to_wall_time_ms"),
          reason: "exported",
          version: view.version,
          name: null,
        });
        if (result.type === "bytes") return Readable.from(partsOf(Buffer.from(result.bytes)));
        const text = result.type === "failed" ? result.text : "it was stored";
        throw new RemsError("REMS_NOT_FOUND", text.replace(/ \[REMS_\w+\]$/, ""));
      } finally {
        isBusy = false;
      }
    },
    service: {
      listIncidents: unary(() =>
        rems.v1.ListIncidentsResponse.create({
          node: view.node.id,
          addresses: view.manifest.nodes.map(({ id }) => operatorAddressOf(view, id)),
          incidents: listStoredIncidents(directory()).map((stored) =>
            rems.v1.IncidentEntry.create({
              name: stored.name,
              reason: stored.reason,
              fromWallTimeMs: stored.fromWallMs,
              toWallTimeMs: stored.toWallMs,
              grids: [...stored.grids],
              byteCount: stored.byteCount,
            }),
          ),
          pending: pending().map(({ reason, fromWallMs, untilWallMs }) =>
            rems.v1.PendingIncident.create({
              reason,
              fromWallTimeMs: fromWallMs,
              untilWallTimeMs: untilWallMs,
            }),
          ),
        }),
      ),
    },
  };
}

/** Answers `rems.v1.IncidentService`. */
export function incidentImplementation(desk: IncidentDesk): UntypedServiceImplementation {
  return {
    ...implementationOf(desk.service),
    fetchIncident: (call: FetchCall) =>
      sendParts(
        call,
        () => Promise.resolve(desk.open(call.request.name)),
        (data) => rems.v1.FetchIncidentResponse.create({ data }),
      ),
    exportIncident: (call: ExportCall) =>
      sendParts(
        call,
        () => desk.export(call.request),
        (data) => rems.v1.ExportIncidentResponse.create({ data }),
      ),
  };
}

function storedPath(dataDirectory: string, name: string): string {
  if (name === "") {
    const text = "name is empty; allowed is that of a captured incident";
    throw new RemsError("REMS_REQUEST_INVALID", text, { details: { field: "name" } });
  }
  const stored = listStoredIncidents(dataDirectory);
  const found = stored.find((one) => one.name === name);
  if (found !== undefined) return found.path;
  throw new RemsError(
    "REMS_NOT_FOUND",
    `there is no captured incident "${name.slice(0, 100)}"; r-emsctl incident list names the ${stored.length} that there are`,
  );
}

function timeOf(ms: number, field: string): number {
  if (Number.isFinite(ms) && Math.abs(ms) <= TIME_MS_MAX) return ms;
  throw new RemsError("REMS_REQUEST_INVALID", `${field}: allowed are milliseconds since 1970`, {
    details: { field },
  });
}

function* partsOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += PART_BYTES) yield bytes.subarray(at, at + PART_BYTES);
}

/** Sends a stream of bytes no faster than the reader takes it. */
function sendParts<Request, Response>(
  call: ServerWritableStream<Request, Response>,
  open: () => Promise<Readable>,
  messageOf: (data: Buffer) => Response,
): void {
  const send = async (): Promise<void> => {
    const source = await open();
    call.once("cancelled", () => source.destroy());
    for await (const part of source) {
      if (call.cancelled) return;
      if (call.write(messageOf(part as Buffer))) continue;
      await new Promise<void>((resolve) => {
        call.once("drain", resolve);
        call.once("cancelled", resolve);
      });
    }
    call.end();
  };
  send().catch((error: unknown) => {
    if (!call.cancelled) call.emit("error", grpcErrorOf(error));
  });
}
