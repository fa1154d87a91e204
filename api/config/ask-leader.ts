import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import type { OperatorRequest } from "../../kernel/command.ts";
import { RemsError } from "../../kernel/errors.ts";
import { ConfigService, rems } from "../../proto/generated/rems-v1.ts";
import type { CommandDesk } from "../control-service.ts";
import type { NodeView } from "../node-view.ts";
import { operatorAddressOf } from "../status-message.ts";
import type { AskGrid, AskHere } from "./config-desk.ts";
import { argumentsOf } from "./grid-configurations.ts";

const ANSWER_MS_MAX = 6000;

/** Asks the leader of a grid, here or on another node, in the epoch that this node knows: a new leader is not asked unseen. */
export function createAskGrid(
  view: NodeView,
  desk: CommandDesk,
): { readonly here: AskHere; readonly anywhere: AskGrid } {
  const here: AskHere = (grid, request, expectedEpoch, isValidateOnly) =>
    desk.decide(grid, request, expectedEpoch, isValidateOnly);
  const anywhere: AskGrid = (grid, request) => {
    const status = view.statusOf(grid);
    const leader = status?.leader?.node ?? "";
    const epoch = status?.epoch ?? 0;
    if (leader === "" || leader === view.node.id) return here(grid, request, epoch, false);
    return askOther(operatorAddressOf(view, leader), grid, request, epoch);
  };
  return { here, anywhere };
}

function askOther(
  address: string,
  grid: string,
  request: OperatorRequest,
  expectedEpoch: number,
): ReturnType<AskGrid> {
  const client = new Client(address, credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = ConfigService.configureGrid;
  const message = rems.v1.ConfigureGridRequest.create({
    requestId: request.requestId,
    grid,
    command: request.command,
    arguments: argumentsOf(request.arguments),
    expectedEpoch,
    user: request.user,
  });
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      message,
      { deadline: Date.now() + ANSWER_MS_MAX },
      (error: ServiceError | null, answer) => {
        client.close();
        if (error === null && answer !== undefined) {
          resolve({ isAccepted: answer.isAccepted, reason: answer.reason });
        } else {
          const why = error?.details ?? "no answer";
          reject(
            new RemsError("REMS_REQUEST_REFUSED", `the leader of ${grid} at ${address}: ${why}`, {
              isRetryable: true,
            }),
          );
        }
      },
    );
  });
}
