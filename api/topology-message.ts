import {
  deviceCommandsOf,
  gridCommandsOf,
  type OperatorCommand,
} from "../actors/grid/operator-commands.ts";
import { tieStateOf } from "../actors/grid/situation.ts";
import type { DeviceConfig } from "../configs/manifest.ts";
import type { DeviceKind } from "../kernel/device-kinds.ts";
import { rems, type Types } from "../proto/generated/rems-v1.ts";
import type { NodeView } from "./node-view.ts";
import { busStateOf } from "./status-message.ts";

const { DevicePlace, TiePosition } = rems.v1;

const PLACES: Readonly<Record<DeviceKind, Types.rems.v1.DevicePlace>> = {
  genset: DevicePlace.DEVICE_PLACE_SOURCE,
  pv: DevicePlace.DEVICE_PLACE_SOURCE,
  shore: DevicePlace.DEVICE_PLACE_SOURCE,
  battery: DevicePlace.DEVICE_PLACE_STORAGE,
  thruster: DevicePlace.DEVICE_PLACE_CONSUMER,
  feeder: DevicePlace.DEVICE_PLACE_CONSUMER,
  busTie: DevicePlace.DEVICE_PLACE_TIE,
  breaker: DevicePlace.DEVICE_PLACE_SECTION,
  meter: DevicePlace.DEVICE_PLACE_METER,
};
const POSITIONS = {
  open: TiePosition.TIE_POSITION_OPEN,
  closed: TiePosition.TIE_POSITION_CLOSED,
  unknown: TiePosition.TIE_POSITION_UNKNOWN,
};

/** How the plant hangs together: all grids of the installation; live where this node has a controller. */
export function topologyMessage(view: NodeView): Types.rems.v1.GetTopologyResponse {
  const { manifest } = view;
  return rems.v1.GetTopologyResponse.create({
    installation: manifest.installation.name,
    isLand: manifest.installation.kind === "land",
    busbars: manifest.grids.map((grid) => {
      const replica = view.replicas.get(grid.id);
      return rems.v1.Busbar.create({
        grid: grid.id,
        name: grid.name,
        nominalVoltageV: grid.nominalVoltageV,
        nominalFrequencyHz: grid.nominalFrequencyHz,
        control: grid.control,
        isKnown: replica !== undefined,
        bus: replica === undefined ? rems.v1.BusState.BUS_STATE_UNKNOWN : busStateOf(replica),
        devices: grid.devices.map((device) =>
          deviceMessage(grid.id, device, manifest.installation.kind === "land"),
        ),
        offers: gridCommandsOf(grid).map(offerMessage),
      });
    }),
    ties: manifest.ties.map(({ id, breakers: [from, to] }) =>
      rems.v1.Tie.create({ tie: id, from, to, position: positionOf(view, from, to) }),
    ),
    islands: islandsOf(view).map((grids) => rems.v1.Island.create({ grids })),
    isSimulation: view.isSimulation,
  });
}

function deviceMessage(
  grid: string,
  config: DeviceConfig,
  isLand: boolean,
): Types.rems.v1.TopologyDevice {
  const offers = deviceCommandsOf(config, isLand);
  const { id, name, kind, ratings, isCritical, tripStage, profile } = config;
  const mapped = new Set(profile.points.map(({ point }) => point));
  return rems.v1.TopologyDevice.create({
    device: id,
    name,
    kind,
    place: PLACES[kind],
    address: `grids/${grid}/devices/${id}`,
    ratingKw: ratings.powerKw === 0 ? ratings.loadKw : ratings.powerKw,
    hasBreaker: mapped.has("isClosed") || mapped.has("isOpen"),
    isCritical,
    tripStage,
    commands: offers.map(({ command }) => command),
    offers: offers.map(offerMessage),
  });
}

const offerMessage = (offer: OperatorCommand): Types.rems.v1.OfferedCommand =>
  rems.v1.OfferedCommand.create({
    ...offer,
    arguments: offer.arguments.map((argument) =>
      rems.v1.OfferedArgument.create({ ...argument, choices: [...argument.choices] }),
    ),
  });

type End = { readonly grid: string; readonly device: string };

/** From whichever of the two grids this node knows. */
function positionOf(view: NodeView, from: End, to: End): Types.rems.v1.TiePosition {
  const replica = view.replicas.get(from.grid) ?? view.replicas.get(to.grid);
  if (replica === undefined) return TiePosition.TIE_POSITION_UNKNOWN;
  return POSITIONS[tieStateOf(replica.state, from.device, to.device)];
}

/** Each grid in one island, in the order of the manifest; a grid that this node does not know stands alone. */
function islandsOf(view: NodeView): string[][] {
  const islands: string[][] = [];
  const placed = new Set<string>();
  for (const { id } of view.manifest.grids) {
    if (placed.has(id)) continue;
    const members = view.replicas.get(id)?.view().island ?? [id];
    const island = members.filter((member) => !placed.has(member));
    for (const member of island) placed.add(member);
    islands.push(island);
  }
  return islands;
}
