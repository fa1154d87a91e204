import { RemsError } from "../kernel/errors.ts";
import type { OperatorRequest } from "../kernel/command.ts";
import type { PointValue } from "../kernel/point.ts";
import { counter } from "../proto/field-check.ts";
import { rems, type Types } from "../proto/generated/rems-v1.ts";
import type { ApiCommand, ApiGridStatus, ApiReply } from "./api-messages.ts";
import { gridOfAddress, type NodeView } from "./node-view.ts";
import { unary, type Service } from "./service.ts";
import { operatorAddressOf } from "./status-message.ts";

type V1 = Types.rems.v1.SendCommandRequest;
type Force = Types.rems.v1.ForceLeadershipRequest;
type Transfer = Types.rems.v1.TransferLeadershipRequest;

const REPLY_MS_MAX = 5000;
const PENDING_COUNT_MAX = 256;
const TEXT_LENGTH_MAX = 200;
const ARGUMENT_COUNT_MAX = 16;

/** Carries commands to the control thread and their answers back. */
export interface CommandDesk {
  /** Answers that the control thread gave. */
  onReply(reply: ApiReply): void;
  /**
   * Has the leader's core decide a request, or with `isValidateOnly` a copy of this node's.
   * @throws {@link RemsError} `REMS_NOT_LEADER`, `REMS_REQUEST_REFUSED`, or `REMS_TIMEOUT` if the control thread does not answer.
   */
  decide(
    grid: string,
    request: OperatorRequest,
    expectedEpoch: number,
    isValidateOnly: boolean,
  ): Promise<ApiReply>;
  readonly service: Service;
}

/** @param submit - Puts a command into the ring; false if it is full. */
export function createCommandDesk(
  view: NodeView,
  submit: (command: ApiCommand) => boolean,
): CommandDesk {
  const pending = new Map<string, Set<(reply: ApiReply) => void>>();

  const ask = (requestId: string, command: ApiCommand): Promise<ApiReply> =>
    new Promise((resolve, reject) => {
      const waiters = pending.get(requestId) ?? new Set();
      if (waiters.size === 0) {
        if (pending.size >= PENDING_COUNT_MAX || !submit(command)) {
          const text = "too many commands wait; try again in a moment";
          reject(new RemsError("REMS_LIMIT_REACHED", text, { isRetryable: true }));
          return;
        }
        pending.set(requestId, waiters);
      }
      const timer = setTimeout(() => {
        waiters.delete(answer);
        if (waiters.size === 0) pending.delete(requestId);
        const text = `the controller did not answer within ${REPLY_MS_MAX} ms; whether it acts is not known, repeat with the same request_id`;
        reject(new RemsError("REMS_TIMEOUT", text, { isRetryable: true }));
      }, REPLY_MS_MAX);
      const answer = (reply: ApiReply): void => {
        clearTimeout(timer);
        resolve(reply);
      };
      waiters.add(answer);
    });

  const decide: CommandDesk["decide"] = async (grid, request, expectedEpoch, isValidateOnly) => {
    // Of the past one may still ask what would have been answered.
    if (!(view.isReplay && isValidateOnly)) checkLeading(view, grid, expectedEpoch);
    const reply = isValidateOnly
      ? view.replicaOf(grid).tryRequest(request)
      : await ask(request.requestId, { type: "request", grid, expectedEpoch, request });
    if (reply === null) throw refused("the grid's core did not answer");
    return reply;
  };

  return {
    decide,
    onReply(reply) {
      const waiters = pending.get(reply.requestId);
      pending.delete(reply.requestId);
      for (const answer of waiters ?? []) answer(reply);
    },
    service: {
      sendCommand: unary(async (message: V1) => {
        if (message.actor === "") throw invalid("actor", "empty", "an actor of a grid");
        const { address } = view.actor(message.actor);
        const grid = gridOfAddress(address);
        if (grid === "") {
          throw invalid("actor", message.actor, "an actor of a grid, such as port/dg1");
        }
        const request: OperatorRequest = {
          requestId: text(message.requestId, "request_id"),
          // Who may do what waits for access control; until then a release is an engineer's by being one.
          role: message.command === "release" ? "engineer" : "operator",
          user: message.user === "" ? "unknown" : text(message.user, "user"),
          actor: address,
          command: text(message.command, "command"),
          arguments: argumentsOf(message.arguments),
        };
        const expectedEpoch = counter(message.expectedEpoch, "expected_epoch");
        const { requestId, isAccepted, reason } = await decide(
          grid,
          request,
          expectedEpoch,
          message.validateOnly,
        );
        return rems.v1.SendCommandResponse.create({ requestId, isAccepted, reason });
      }),
      forceLeadership: unary(async (message: Force) => {
        const { grid, isolatedNode } = message;
        const { controllers } = view.replicaOf(grid).core.plan.grid;
        if (view.isReplay) throw refused("this is a replay of the past: it takes no commands");
        const others = controllers.map(({ node }) => node).filter((node) => node !== view.node.id);
        if (!others.includes(isolatedNode)) {
          throw invalid(
            "isolated_node",
            isolatedNode,
            `another controller of ${grid}: ${others.join(", ")}`,
          );
        }
        if (message.reason.trim() === "") throw invalid("reason", "empty", "why, for the record");
        const user = message.user === "" ? "unknown" : text(message.user, "user");
        const why = message.reason.slice(0, TEXT_LENGTH_MAX);
        const reason = `${user} has isolated ${isolatedNode}: ${why}`;
        const requestId = text(message.requestId, "request_id");
        const command: ApiCommand = {
          type: "force",
          grid,
          expectedEpoch: 0,
          requestId,
          user,
          reason,
        };
        const reply = await ask(requestId, command);
        return rems.v1.ForceLeadershipResponse.create({
          isAccepted: reply.isAccepted,
          reason: reply.reason,
        });
      }),
      transferLeadership: unary(async (message: Transfer) => {
        const requestId = text(message.requestId, "request_id");
        const { grid } = message;
        view.replicaOf(grid);
        const expectedEpoch = counter(message.expectedEpoch, "expected_epoch");
        const status = checkLeading(view, grid, expectedEpoch);
        const toNode = successorOf(view, grid, status, message.toNode);
        if (message.validateOnly) {
          const reason = `${toNode} is in sync and would lead`;
          return transferResponse({ requestId, isAccepted: true, reason }, toNode);
        }
        const user = message.user === "" ? "unknown" : text(message.user, "user");
        const reason = message.reason.slice(0, TEXT_LENGTH_MAX);
        const command: ApiCommand = {
          type: "transfer",
          grid,
          expectedEpoch,
          requestId,
          toNode,
          user,
          reason,
        };
        return transferResponse(await ask(requestId, command), toNode);
      }),
    },
  };
}

function transferResponse(reply: ApiReply, toNode: string) {
  const { requestId, isAccepted, reason } = reply;
  return rems.v1.TransferLeadershipResponse.create({ requestId, isAccepted, reason, toNode });
}

/** @throws {@link RemsError} `REMS_NOT_LEADER` that names who leads, `REMS_REQUEST_REFUSED` for another epoch. */
function checkLeading(view: NodeView, grid: string, expectedEpoch: number): ApiGridStatus {
  if (view.isReplay) throw refused("this is a replay of the past: it takes no commands");
  const status = view.statusOf(grid);
  if (status?.role !== "leading") {
    const leader = status?.leader?.node ?? "";
    const isOther = leader !== "" && leader !== view.node.id;
    const address = isOther ? operatorAddressOf(view, leader) : "";
    const who = isOther ? `${leader} does, at ${address}` : "nobody does that this node knows of";
    throw new RemsError("REMS_NOT_LEADER", `node ${view.node.id} does not lead ${grid}; ${who}`, {
      isRetryable: true,
      details: { leader: isOther ? leader : "", "leader-address": address },
    });
  }
  if (expectedEpoch !== 0 && expectedEpoch !== status.epoch) {
    throw refused(`${grid} is in epoch ${status.epoch}, not ${expectedEpoch}; look again first`);
  }
  return status;
}

function successorOf(view: NodeView, grid: string, status: ApiGridStatus, wanted: string): string {
  const { controllers } = view.replicaOf(grid).core.plan.grid;
  const inSync = new Set(status.inSync.map(({ node }) => node));
  inSync.delete(view.node.id);
  const ready = controllers.map(({ node }) => node).filter((node) => inSync.has(node));
  const first = ready[0];
  if (wanted === "" && first !== undefined) return first;
  if (ready.includes(wanted)) return wanted;
  const known = ready.length === 0 ? "no other controller is" : `in sync: ${ready.join(", ")}`;
  const what = wanted === "" ? `nobody can take over ${grid}` : `${wanted} is not in sync`;
  throw refused(`${what}; ${known}`);
}

function argumentsOf(found: V1["arguments"]): Record<string, PointValue> {
  const entries = Object.entries(found);
  if (entries.length > ARGUMENT_COUNT_MAX) {
    throw invalid("arguments", `${entries.length} entries`, `at most ${ARGUMENT_COUNT_MAX}`);
  }
  const values: Record<string, PointValue> = {};
  for (const [name, argument] of entries) {
    const value = argument.number ?? argument.flag ?? argument.text;
    if (value === null || value === undefined) throw invalid(name, "empty", "number, flag or text");
    if (typeof value === "number" && !Number.isFinite(value)) {
      throw invalid(name, String(value), "a finite number");
    }
    values[text(name, "an argument's name")] =
      typeof value === "string"
        ? value.slice(0, TEXT_LENGTH_MAX)
        : typeof value === "number"
          ? value + 0
          : value;
  }
  return values;
}

/** @throws {@link RemsError} `REMS_REQUEST_INVALID` unless it has 1 to 64 characters. */
export function text(found: string, field: string): string {
  if (found.length >= 1 && found.length <= 64) return found;
  throw invalid(field, found === "" ? "empty" : `${found.length} characters`, "1 to 64 characters");
}

export function invalid(field: string, found: string, allowed: string): RemsError {
  const shown = found.slice(0, 80);
  return new RemsError("REMS_REQUEST_INVALID", `${field} is ${shown}; allowed is ${allowed}`, {
    details: { field },
  });
}

function refused(reason: string): RemsError {
  return new RemsError("REMS_REQUEST_REFUSED", reason);
}
