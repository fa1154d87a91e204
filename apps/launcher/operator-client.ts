import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { RemsError } from "../../kernel/errors.ts";
import type { Types } from "../../proto/generated/rems-v1.ts";
import { ControlService, InspectionService, rems } from "../../proto/generated/rems-v1.ts";
import type { Method } from "../../proto/method-definition.ts";

export type NodeStatus = Types.rems.v1.GetStatusResponse;
export type GridStatus = Types.rems.v1.IGridStatus;

export interface Answer {
  readonly isAccepted: boolean;
  readonly reason: string;
}

/** The operator service of one node, as any tool reaches it. */
export interface OperatorClient {
  status(): Promise<NodeStatus>;
  transfer(grid: string, toNode: string): Promise<Answer>;
  command(actor: string, command: string): Promise<Answer>;
  close(): void;
}

const STATUS_MS_MAX = 1000;
const COMMAND_MS_MAX = 6000;
/** A node that was down is asked again at once when it is back. */
const RECONNECT_MS_MAX = 500;
const USER = "launcher";

let requestCount = 0;
const nextRequestId = () => `launcher-${process.pid}-${++requestCount}`;

/** @param address - `host:port` of the node's operator service. */
export function openOperatorClient(address: string): OperatorClient {
  const client = new Client(address, credentials.createInsecure(), {
    "grpc.enable_http_proxy": 0,
    "grpc.enable_retries": 0,
    "grpc.use_local_subchannel_pool": 1,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": RECONNECT_MS_MAX,
  });

  function call<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    limitMs: number,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        new Metadata(),
        { deadline: Date.now() + limitMs },
        (error, response) => {
          if (response !== undefined && error === null) resolve(response);
          else {
            const text = error?.details ?? "no answer";
            reject(new RemsError("REMS_REQUEST_REFUSED", text, { isRetryable: true }));
          }
        },
      );
    });
  }
  const answered = async (
    act: () => Promise<{ isAccepted: boolean; reason: string }>,
  ): Promise<Answer> => {
    try {
      const { isAccepted, reason } = await act();
      return { isAccepted, reason };
    } catch (error) {
      return { isAccepted: false, reason: error instanceof Error ? error.message : String(error) };
    }
  };

  return {
    status: () =>
      call(InspectionService.getStatus, rems.v1.GetStatusRequest.create(), STATUS_MS_MAX),
    transfer: (grid, toNode) =>
      answered(() => {
        const requestId = nextRequestId();
        const reason = "asked for at the launcher";
        const message = { requestId, grid, toNode, user: USER, reason };
        return call(
          ControlService.transferLeadership,
          rems.v1.TransferLeadershipRequest.create(message),
          COMMAND_MS_MAX,
        );
      }),
    command: (actor, command) =>
      answered(() =>
        call(
          ControlService.sendCommand,
          rems.v1.SendCommandRequest.create({
            requestId: nextRequestId(),
            actor,
            command,
            user: USER,
          }),
          COMMAND_MS_MAX,
        ),
      ),
    close: () => client.close(),
  };
}
