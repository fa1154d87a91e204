import type { Manifest } from "../../configs/manifest.ts";
import { NO_BLACKOUT } from "../../energy/blackout.ts";
import { NO_TIMERS } from "../../energy/start-stop.ts";
import { NO_TIE_FEED } from "../../energy/tie-feed.ts";
import { NO_TRANSFER } from "../../energy/transfer.ts";
import { encodeCanonical } from "../../kernel/canonical.ts";
import type { CoreOutputs, GridCore } from "../../kernel/core.ts";
import type { Frame } from "../../kernel/frame.ts";
import { hashOf } from "../../kernel/hash.ts";
import { EMPTY_ALARM_BOOK } from "../alarms/alarm-book.ts";
import { startTree } from "../runtime/replicated-tree.ts";
import { momentOf, nextAlarms } from "./alarms.ts";
import { answerRequests } from "./answer-requests.ts";
import { applyFrame } from "./apply-frame.ts";
import { smoothLoads } from "./battery-modes.ts";
import { nextCapabilities } from "./capabilities.ts";
import { NO_RECOVERY, recoverFromBlackout } from "./blackout.ts";
import { expireTrial, openingOf, planInForce } from "./configuration.ts";
import { decisionsIn } from "./decisions.ts";
import { decideSets, followBatteryModes, grantConsumers } from "./decide.ts";
import { applyMessages, hasLostSource, messagesOf } from "./grid-messages.ts";
import { planGrid, type GridPlan } from "./grid-plan.ts";
import { NO_LEADERSHIP, type GridState } from "./grid-state.ts";
import { islandLoadKw } from "./island-load.ts";
import { islandOf, islandSituationOf } from "./island.ts";
import { nextLockouts } from "./lockouts.ts";
import { levelOutputs, nextLevels } from "./next-levels.ts";
import { expireLimits } from "./operator-limits.ts";
import { protectSupply } from "./protect-supply.ts";
import { applyFates, scanActors, type Work } from "./run-actors.ts";
import { isReleasing, releaseDevices, withoutReleased } from "./release.ts";
import { rememberShare, shareOf } from "./share.ts";
import { openTiesByMode } from "./request-guards.ts";
import { NO_SITE, runSite, withSite } from "./site.ts";
import { situationOf } from "./situation.ts";
import { inStartOrder, nextStartOrder } from "./start-order.ts";
import { nextWarnings } from "./supply-alarms.ts";
import { INITIAL_SUPPLY, rekeyedSupply } from "./supply-state.ts";
import { feedNeighbours } from "./tie-feed.ts";
import { runTransfer } from "./transfer.ts";

/** Grows with every change of what is decided or remembered. */
export const CORE_VERSION = "16";

/** The core with its plan: views need both. */
export interface PlannedGridCore extends GridCore<GridState> {
  /** As the manifest makes it; addresses and devices hold for any parameters. */
  readonly plan: GridPlan;
  /** The plan with the parameters that are in force in a state. */
  planOf(state: GridState): GridPlan;
}

/**
 * The replicated core of one grid.
 * @throws {@link RemsError} `REMS_NOT_FOUND` if the manifest has no grid of that id.
 */
export function createGridCore(manifest: Manifest, gridId: string): PlannedGridCore {
  const plan = planGrid(manifest, gridId);
  return {
    plan,
    coreVersion: CORE_VERSION,
    manifestHash: manifestHashOf(manifest, gridId),
    planOf: (state) => planInForce(plan, state),
    initial: () => initialState(plan),
    opening: (state, epoch, origin) => openingOf(plan, state, epoch, origin),
    decisions: (state) => decisionsIn(plan, state),
    step(state, frame) {
      const ready = expireTrial(planInForce(plan, state), state, frame.plantTimeMs);
      return step(planInForce(plan, ready), ready, frame);
    },
  };
}

function initialState(plan: GridPlan): GridState {
  const { state: tree } = startTree(plan.tree, 0);
  return {
    plantTimeMs: 0,
    epoch: 0,
    sequence: 0,
    images: {},
    connections: {},
    positions: {},
    facts: {},
    leadership: NO_LEADERSHIP,
    tree,
    seen: tree.actors.map(() => null),
    timers: NO_TIMERS,
    blackout: NO_BLACKOUT,
    transfer: NO_TRANSFER,
    operatingMode: "",
    semiSets: [],
    site: NO_SITE,
    levels: {},
    bms: {},
    pending: [],
    alarmBook: EMPTY_ALARM_BOOK,
    asked: {},
    answered: [],
    peers: {},
    targets: null,
    grantedElsewhere: null,
    supply: INITIAL_SUPPLY,
    feeding: NO_TIE_FEED,
    island: [plan.grid.id],
  };
}

function step(
  plan: GridPlan,
  state: GridState,
  frame: Frame,
): { readonly state: GridState; readonly outputs: CoreOutputs } {
  const work: Work = {
    plan,
    state: applyFrame(plan, state, frame),
    commands: [],
    transitions: [],
    supervision: [],
    alarmChanges: [],
  };
  const elapsedMs = Math.min(
    Math.max(0, frame.plantTimeMs - state.plantTimeMs),
    2 * plan.grid.timings.scanMs,
  );
  work.state = nextCapabilities(plan, nextLockouts(plan, work.state), elapsedMs);
  work.state = rekey(plan, applyMessages(plan, work.state, frame.messages));
  applyFates(work, frame.fates, frame.isFirstOfEpoch);
  scanActors(work);
  const moment = momentOf(plan, work.state, frame);
  const replies = answerRequests(work, frame.requests, moment, () =>
    islandSituationOf(plan, work.state),
  );
  work.state = expireLimits(work.state);
  const before = islandSituationOf(plan, work.state);
  releaseDevices(work, state);
  const mayBegin = !isReleasing(work.state);
  if (mayBegin) protectSupply(work, before);
  work.state = nextStartOrder(plan, work.state, before);
  const situation = inStartOrder(plan, work.state, before);
  if (mayBegin) {
    runTransfer(work, situation);
    openTiesByMode(work, situation);
  }
  runSite(work, situation, frame.wallTimeMs, elapsedMs, mayBegin);
  const recovery = mayBegin ? recoverFromBlackout(work, situation) : NO_RECOVERY;
  if (mayBegin) feedNeighbours(work, situation);
  const decision = mayBegin ? decideSets(work, situation) : null;
  const grant = mayBegin ? grantConsumers(work, situation) : null;
  if (mayBegin) followBatteryModes(work, situation);
  work.state = smoothLoads(plan, work.state, islandLoadKw(plan, work.state, situation), elapsedMs);
  const share = shareOf(plan, work.state, situation);
  work.state = rememberShare(plan, work.state, situation, share, elapsedMs);
  const power = nextLevels(plan, work.state, { situation, elapsedMs, share });
  const wanted = withSite(plan, work.state, power, elapsedMs);
  const levels = withoutReleased(plan, work.state, wanted);
  const own = work.state.island.length === 1 ? situation : situationOf(plan, work.state);
  const messages = messagesOf({
    plan,
    state: work.state,
    own,
    decision,
    grant,
    share,
    isSourceLost: hasLostSource(plan, state, work.state),
    recovery,
  });
  work.state = nextWarnings(plan, work.state, situation.sources);
  const asked = work.alarmChanges;
  const { book, changes } = nextAlarms(plan, work.state, situation, frame, asked.length);
  work.state = { ...work.state, levels, alarmBook: book };
  return {
    state: work.state,
    outputs: {
      levels: levelOutputs(plan, levels),
      commands: work.commands,
      messages,
      replies,
      alarms: asked.length === 0 ? changes : [...asked, ...changes],
      transitions: work.transitions,
      ...(recovery.isPermitWanted ? { isDeadBusPermitWanted: true } : {}),
    },
  };
}

/** After a merge or split everything that is per island begins anew in this scan. */
function rekey(plan: GridPlan, state: GridState): GridState {
  const island = islandOf(plan, state);
  const isSame =
    island.length === state.island.length && island.every((grid, i) => grid === state.island[i]);
  if (isSame) return state;
  const supply = rekeyedSupply(state.supply);
  return { ...state, island, timers: NO_TIMERS, targets: null, grantedElsewhere: null, supply };
}

/**
 * Hash of what decisions rest on and a running grid does not change: grids, devices, ties. Not addresses, ports or logging; nor the
 * parameters (limits, modes, ratings), which are replicated state and the same on all replicas whatever their files say.
 */
function manifestHashOf(manifest: Manifest, gridId: string): string {
  const grids = manifest.grids.map((grid) => ({
    id: grid.id,
    nominalVoltageV: grid.nominalVoltageV,
    nominalFrequencyHz: grid.nominalFrequencyHz,
    blackout: grid.blackout,
    modes: grid.modes,
    site: grid.site,
    scanMs: grid.timings.scanMs,
    controllers: grid.controllers.map(({ node, failoverOrder }) => ({ node, failoverOrder })),
    devices: grid.devices.map((device) => ({
      id: device.id,
      kind: device.kind,
      isCritical: device.isCritical,
      syncCheck: device.profile.syncCheck,
      points: device.profile.points.map((mapping) => mapping.point),
      commands: device.profile.commands.map((mapping) => mapping.command),
      ...(device.profile.release.length === 0 ? {} : { release: device.profile.release }),
    })),
  }));
  const content = { kind: manifest.installation.kind, gridId, grids, ties: manifest.ties };
  return hashOf(encodeCanonical(content));
}
