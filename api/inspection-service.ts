import type { ServerWritableStream, UntypedServiceImplementation } from "@grpc/grpc-js";
import { RemsError } from "../kernel/errors.ts";
import { rems, type Types } from "../proto/generated/rems-v1.ts";
import { shortAddress } from "./actor-address.ts";
import { deviceMessages } from "./device-messages.ts";
import { serverStream, unary } from "./grpc-handlers.ts";
import type { NodeView } from "./node-view.ts";
import { gridStatusMessage } from "./status-message.ts";
import { actorMessage, transitionMessage } from "./wire.ts";
import { whyOf } from "./why.ts";

type V1 = typeof Types.rems.v1;
type Message<Name extends keyof V1> = V1[Name] extends new (...args: never[]) => infer M
  ? M
  : never;
type WatchResponse = Message<"WatchActorsResponse">;

const PAGE_SIZE = 200;
const PAGE_SIZE_MAX = 1000;
/** Messages that may wait for a reader; one more and the reader gets a gap and a new snapshot instead. */
const WATCH_QUEUE_COUNT_MAX = 256;

/** Answers `rems.v1.InspectionService` from the node's view. */
export function inspectionService(view: NodeView): UntypedServiceImplementation {
  const { isSimulation } = view;
  return {
    listActors: unary((request: Message<"ListActorsRequest">) => {
      const actors = matching(view, request.addressPrefix);
      const from = pageStart(request.pageToken);
      const to = from + Math.min(request.pageSize || PAGE_SIZE, PAGE_SIZE_MAX);
      return rems.v1.ListActorsResponse.create({
        actors: actors.slice(from, to).map((actor) => actorMessage(actor, request.withContext)),
        nextPageToken: to < actors.length ? String(to) : "",
        isSimulation,
      });
    }),
    getActor: unary((request: Message<"GetActorRequest">) => {
      const actor = view.actor(request.address);
      return rems.v1.GetActorResponse.create({
        actor: actorMessage(actor, true),
        transitions: view.transitionsOf(actor.address).map(transitionMessage),
        isSimulation,
      });
    }),
    watchActors: serverStream<Message<"WatchActorsRequest">, WatchResponse>((call) =>
      watch(view, call),
    ),
    getStatus: unary((_request: Message<"GetStatusRequest">) =>
      rems.v1.GetStatusResponse.create({
        node: view.node.id,
        installation: view.manifest.installation.name,
        isSimulation,
        uptimeMs: process.uptime() * 1000,
        grids: [...view.replicas.keys()].map((grid) => gridStatusMessage(view, grid)),
        coordinator: view.manifest.coordinator.kind,
        version: view.version,
      }),
    ),
    listDevices: unary((request: Message<"ListDevicesRequest">) =>
      rems.v1.ListDevicesResponse.create({
        devices: deviceMessages(view, request.device, request.withPoints),
        isSimulation,
      }),
    ),
    why: unary((request: Message<"WhyRequest">) => {
      const actor = view.actor(request.address);
      return rems.v1.WhyResponse.create({
        address: actor.address,
        state: actor.state,
        reasons: whyOf(view, actor),
        transitions: view.transitionsOf(actor.address).map(transitionMessage),
        isSimulation,
      });
    }),
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

function pageStart(token: string): number {
  if (token === "") return 0;
  if (/^\d{1,6}$/.test(token)) return Number(token);
  throw new RemsError(
    "REMS_REQUEST_INVALID",
    `page_token is "${token.slice(0, 20)}"; allowed is the next_page_token of the page before`,
  );
}

/** Snapshot, bookmark, tail. A reader that does not keep up costs one bounded queue, never anybody else's time. */
function watch(
  view: NodeView,
  call: ServerWritableStream<Message<"WatchActorsRequest">, WatchResponse>,
): () => void {
  const { addressPrefix, withContext } = call.request;
  const isWanted = (address: string): boolean =>
    address.startsWith(addressPrefix) || shortAddress(address).startsWith(addressPrefix);
  let waitingCount = 0;
  let gapReason = "";
  const send = (event: Types.rems.v1.IWatchActorsResponse): void => {
    waitingCount += 1;
    call.write(rems.v1.WatchActorsResponse.create(event), () => {
      waitingCount -= 1;
      if (gapReason !== "" && waitingCount === 0) resume();
    });
  };
  const sendSnapshot = (): void => {
    for (const actor of matching(view, addressPrefix)) {
      send({ actor: actorMessage(actor, withContext) });
    }
    send({ bookmark: { isSimulation: view.isSimulation } });
  };
  const resume = (): void => {
    send({ gap: { reason: gapReason } });
    gapReason = "";
    sendSnapshot();
  };
  const changed = new Set<string>();
  const end = view.onChange((change) => {
    if (change.type === "gap") {
      gapReason ||= change.reason;
      changed.clear();
      if (waitingCount === 0) resume();
      return;
    }
    if (gapReason !== "") return;
    if (change.type === "transition" && isWanted(change.transition.actor)) {
      if (waitingCount >= WATCH_QUEUE_COUNT_MAX) {
        gapReason = "this reader was too slow";
        changed.clear();
        return;
      }
      changed.add(change.transition.actor);
      send({ transition: transitionMessage(change.transition) });
      // A local actor's transition comes with its view; a grid's actors are viewed once per frame.
      if (change.transition.sequence !== 0) return;
    } else if (change.type !== "frame") return;
    if (changed.size === 0) return;
    for (const actor of view.actors()) {
      if (changed.has(actor.address)) send({ actor: actorMessage(actor, withContext) });
    }
    changed.clear();
  });
  sendSnapshot();
  return end;
}
