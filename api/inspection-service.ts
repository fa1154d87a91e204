import { rems, type Types } from "../proto/generated/rems-v1.ts";
import { shortAddress } from "./actor-address.ts";
import { deviceMessages } from "./device-messages.ts";
import { leadershipMessage, nodeMessages } from "./leadership-message.ts";
import { machineList, machineMessage, possibleTransitions } from "./machine-message.ts";
import type { NodeView } from "./node-view.ts";
import { pageOf } from "./paging.ts";
import { stream, unary, type Service } from "./service.ts";
import { gridStatusMessage } from "./status-message.ts";
import { topologyMessage } from "./topology-message.ts";
import { watchActors } from "./watch/actor-watch.ts";
import { watchLeadership } from "./watch/leadership-watch.ts";
import { watchPoints } from "./watch/point-watch.ts";
import { actorMessage, reasonMessage, transitionMessage } from "./wire.ts";
import { becauseOf, whyOf } from "./why.ts";

type V1 = typeof Types.rems.v1;
type Message<Name extends keyof V1> = V1[Name] extends new (...args: never[]) => infer M
  ? M
  : never;

const PAGE_SIZE = 200;

/** Answers `rems.v1.InspectionService` from the node's view. */
export function inspectionService(view: NodeView): Service {
  return { ...actorMethods(view), ...plantMethods(view) };
}

function actorMethods(view: NodeView): Service {
  const { isSimulation } = view;
  return {
    listActors: unary((request: Message<"ListActorsRequest">) => {
      const actors = matching(view, request.addressPrefix);
      const page = pageOf(request, PAGE_SIZE, [request.addressPrefix]);
      return rems.v1.ListActorsResponse.create({
        actors: actors
          .slice(page.from, page.to)
          .map((actor) => actorMessage(actor, request.withContext)),
        nextPageToken: page.tokenAfter(actors.length),
        isSimulation,
      });
    }),
    getActor: unary((request: Message<"GetActorRequest">) => {
      const actor = view.actor(request.address);
      return rems.v1.GetActorResponse.create({
        actor: actorMessage(actor, true),
        transitions: view.transitionsOf(actor.address).map(transitionMessage),
        possibleTransitions: possibleTransitions(view, actor),
        isSimulation,
      });
    }),
    watchActors: stream<Message<"WatchActorsRequest">, Message<"WatchActorsResponse">>(
      (request, sink) => watchActors(view, request, sink),
    ),
    why: unary((request: Message<"WhyRequest">) => {
      const actor = view.actor(request.address);
      return rems.v1.WhyResponse.create({
        address: actor.address,
        state: actor.state,
        reasons: whyOf(view, actor),
        because: becauseOf(view, actor).map(reasonMessage),
        transitions: view.transitionsOf(actor.address).map(transitionMessage),
        isSimulation,
      });
    }),
    listMachines: unary((_request: Message<"ListMachinesRequest">) =>
      rems.v1.ListMachinesResponse.create({ machines: machineList(view) }),
    ),
    getMachine: unary(({ machine }: Message<"GetMachineRequest">) =>
      rems.v1.GetMachineResponse.create({ machine: machineMessage(view, machine) }),
    ),
  };
}

function plantMethods(view: NodeView): Service {
  const { isSimulation } = view;
  return {
    getStatus: unary((_request: Message<"GetStatusRequest">) =>
      rems.v1.GetStatusResponse.create({
        node: view.node.id,
        installation: view.manifest.installation.name,
        isSimulation,
        uptimeMs: (process.uptime() - view.startedAtS) * 1000,
        grids: [...view.replicas.keys()].map((grid) => gridStatusMessage(view, grid)),
        coordinator: view.manifest.coordinator.kind,
        version: view.version,
        wallTimeMs: Date.now(),
      }),
    ),
    listDevices: unary((request: Message<"ListDevicesRequest">) =>
      rems.v1.ListDevicesResponse.create({
        devices: deviceMessages(view, request.device, request.withPoints),
        isSimulation,
      }),
    ),
    watchPoints: stream<Message<"WatchPointsRequest">, Message<"WatchPointsResponse">>(
      (request, sink) => watchPoints(view, request, sink),
    ),
    getTopology: unary((_request: Message<"GetTopologyRequest">) => topologyMessage(view)),
    listNodes: unary((_request: Message<"ListNodesRequest">) =>
      rems.v1.ListNodesResponse.create({ nodes: nodeMessages(view), isSimulation }),
    ),
    getLeadership: unary(({ grid }: Message<"GetLeadershipRequest">) =>
      rems.v1.GetLeadershipResponse.create({
        leadership: leadershipMessage(view, grid),
        isSimulation,
      }),
    ),
    watchLeadership: stream<Message<"WatchLeadershipRequest">, Message<"WatchLeadershipResponse">>(
      (request, sink) => watchLeadership(view, request, sink),
    ),
  };
}

function matching(view: NodeView, prefix: string) {
  if (prefix === "") return view.actors();
  return view
    .actors()
    .filter(
      ({ address }) => address.startsWith(prefix) || shortAddress(address).startsWith(prefix),
    );
}
