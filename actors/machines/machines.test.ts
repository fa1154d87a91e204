import { describe, expect, it } from "vitest";
import {
  replicate,
  type MachineInput,
  type ReplicatedMachine,
} from "../runtime/machine-adapter.ts";
import { batteryMachine } from "./battery.ts";
import { breakerMachine } from "./breaker.ts";
import { busTieMachine } from "./bus-tie.ts";
import { feederMachine } from "./feeder.ts";
import { gensetMachine } from "./genset.ts";
import { gridMachine } from "./grid.ts";
import { meterMachine } from "./meter.ts";
import { pvMachine } from "./pv.ts";
import { shoreMachine } from "./shore.ts";
import { thrusterMachine } from "./thruster.ts";

type Reading = { readonly [name: string]: boolean | string | number };

/** What is done in one line of a transcript: a change of the reading, an event, or a wait; then what must be seen. */
type Line = readonly [
  does: Reading | string | number,
  state: string,
  ...commands: readonly string[],
];

/**
 * Plays a transcript: an object changes the reading and scans, a text sends that event (`command.dropped start` names the
 * command), a number lets so many milliseconds pass and scans.
 */
function play(
  machine: ReplicatedMachine,
  input: MachineInput,
  first: Reading,
  lines: readonly Line[],
) {
  let { snapshot } = machine.initial(input);
  let reading = first;
  let plantTimeMs = 1000;
  for (const [index, [does, state, ...commands]] of lines.entries()) {
    let type = "scanned";
    let command = "";
    if (typeof does === "number") plantTimeMs += does;
    else if (typeof does === "string") [type = "", command = ""] = does.split(" ");
    else reading = { ...reading, ...does };
    const event = { type, plantTimeMs, mayCommand: true, reading, reason: "a test", command };
    const step = machine.step(snapshot, event);
    snapshot = step.snapshot;
    const given = step.effects.map((effect) => effect.params["command"]);
    expect([snapshot.state, ...given], `line ${index}: ${JSON.stringify(does)}`).toEqual([
      state,
      ...commands,
    ]);
  }
}

const GENSET: Reading = {
  isKnown: true,
  position: "open",
  isRemote: true,
  isStartBlocked: false,
  isReadyToStart: true,
  isTripped: false,
  isRunning: false,
  isReadyToLoad: false,
  isUnloaded: true,
  isLoaded: false,
  isBusLive: true,
};
const LOADED = { position: "closed", isRunning: true, isReadyToLoad: true, isUnloaded: false };
const GENSET_INPUT = {
  startTimeoutMs: 60_000,
  cooldownMs: 20_000,
  startAgainMs: 5000,
  hasSyncCheck: true,
};

const gensetTranscripts: [name: string, lines: readonly Line[], input?: MachineInput][] = [
  [
    "starts, synchronises, loads, unloads, cools down",
    [
      [{}, "ready"],
      ["start.requested", "starting", "start"],
      [{ isRunning: true }, "starting"],
      [{ isReadyToLoad: true }, "runningOpen"],
      [{}, "syncing", "syncAndClose"],
      [{ position: "closed" }, "loading"],
      [{ isLoaded: true, isUnloaded: false }, "onLoad"],
      ["stop.requested", "unloading"],
      [{}, "unloading"],
      [{ isUnloaded: true }, "unloading", "open"],
      [{}, "unloading"],
      [{ position: "open" }, "cooldown", "stop"],
      [{ isRunning: false, isReadyToLoad: false }, "ready"],
    ],
  ],
  ["is on load from feedback alone, without a command", [[LOADED, "onLoad"]]],
  ["is local from feedback", [[{ isRemote: false, ...LOADED }, "local"]]],
  [
    "is blocked, not ready, ready",
    [
      [{ isStartBlocked: true }, "blocked"],
      [{ isStartBlocked: false, isReadyToStart: false }, "notReady"],
      [{ isReadyToStart: true }, "ready"],
    ],
  ],
  [
    "refuses a start that is blocked",
    [
      [{ isStartBlocked: true }, "blocked"],
      ["start.requested", "blocked"],
    ],
  ],
  [
    "writes stop when a start fails, and stays latched until reset",
    [
      [{}, "ready"],
      ["start.requested", "starting", "start"],
      [59_999, "starting"],
      [1, "startFailed", "stop"],
      [{}, "startFailed"],
      ["start.requested", "startFailed"],
      ["reset.requested", "unknown"],
      [{}, "ready"],
    ],
  ],
  [
    "writes stop when it trips while starting",
    [
      [{}, "ready"],
      ["start.requested", "starting", "start"],
      [{ isTripped: true }, "tripped", "stop"],
      [{ isTripped: false }, "ready"],
    ],
  ],
  [
    "writes stop when it is put on local while starting",
    [
      [{}, "ready"],
      ["start.requested", "starting", "start"],
      [{ isRemote: false }, "local", "stop"],
    ],
  ],
  [
    "waits for feedback that is missing while starting",
    [
      [{}, "ready"],
      ["start.requested", "starting", "start"],
      [{ isKnown: false }, "starting"],
      [{ isKnown: true, isRunning: true, isReadyToLoad: true }, "runningOpen"],
    ],
  ],
  [
    "looks at feedback again where the start was never written",
    [
      [{}, "ready"],
      ["start.requested", "starting", "start"],
      ["command.dropped start", "unknown"],
      [{}, "ready"],
      ["start.requested", "ready"],
      [5000, "ready"],
      ["start.requested", "starting", "start"],
    ],
  ],
  [
    "asks a set once more that still stands ready after an unknown start, and stops what does not come then either",
    [
      [{}, "ready"],
      ["start.requested", "starting", "start"],
      ["command.unknown start", "starting"],
      [2999, "starting"],
      [1, "starting", "start"],
      ["command.unknown start", "starting"],
      [11_999, "starting"],
      [1, "stopping", "stop"],
      [{}, "ready"],
    ],
  ],
  [
    "does not start a set again that has heard an unknown start",
    [
      [{}, "ready"],
      ["start.requested", "starting", "start"],
      ["command.unknown start", "starting"],
      [{ isReadyToStart: false }, "starting"],
      [3000, "starting"],
      [50_000, "starting"],
      [{ isRunning: true, isReadyToLoad: true }, "runningOpen"],
    ],
  ],
  [
    "closes once more onto a dead busbar by permit alone",
    [
      [{ isRunning: true, isReadyToLoad: true, isBusLive: false }, "runningOpen"],
      ["deadClose.permitted", "syncing", "syncAndClose"],
      ["command.unknown syncAndClose", "syncing"],
      [14_999, "syncing"],
      ["deadClose.permitted", "syncing", "syncAndClose"],
    ],
  ],
  [
    "stops again where nobody knows whether the stop was written",
    [
      [{ isRunning: true, isReadyToLoad: true }, "runningOpen"],
      ["stop.requested", "cooldown", "stop"],
      ["command.unknown stop", "cooldown"],
      [5000, "stopping", "stop"],
    ],
  ],
  [
    "synchronises at most three times where the command cannot be written",
    [
      [{ isRunning: true, isReadyToLoad: true }, "runningOpen"],
      ["sync.requested", "runningOpen"],
      [{}, "syncing", "syncAndClose"],
      ["command.dropped syncAndClose", "runningOpen"],
      [{}, "syncing", "syncAndClose"],
      ["command.dropped syncAndClose", "runningOpen"],
      [{}, "syncing", "syncAndClose"],
      ["command.dropped syncAndClose", "runningOpen"],
      [{}, "runningOpen"],
    ],
  ],
  [
    "gives up synchronising after 60 s",
    [
      [{ isRunning: true, isReadyToLoad: true }, "runningOpen"],
      ["sync.requested", "runningOpen"],
      [{}, "syncing", "syncAndClose"],
      [60_000, "cooldown", "open", "stop"],
    ],
  ],
  [
    "never synchronises where the device does not check by itself",
    [
      [{ isRunning: true, isReadyToLoad: true }, "runningOpen"],
      ["sync.requested", "runningOpen"],
      [{}, "runningOpen"],
    ],
    { ...GENSET_INPUT, hasSyncCheck: false },
  ],
  [
    "never closes onto a dead busbar",
    [
      [{ isRunning: true, isReadyToLoad: true, isBusLive: false }, "runningOpen"],
      ["sync.requested", "runningOpen"],
      [{}, "runningOpen"],
    ],
  ],
  [
    "stays on load when asked again to start while being unloaded",
    [
      [LOADED, "onLoad"],
      ["stop.requested", "unloading"],
      ["start.requested", "loading"],
    ],
  ],
  [
    "trips when its breaker opens by protection",
    [
      [LOADED, "onLoad"],
      [{ position: "open", isTripped: true }, "tripped"],
    ],
  ],
  [
    "is unknown when feedback is lost, and on load when it returns",
    [
      [LOADED, "onLoad"],
      [{ isKnown: false }, "unknown"],
      [{ isKnown: true }, "onLoad"],
    ],
  ],
];

describe("a genset", () => {
  const machine = replicate(gensetMachine);
  it.each(gensetTranscripts)("%s", (_name, lines, input) =>
    play(machine, input ?? GENSET_INPUT, GENSET, lines),
  );
});

const BREAKER: Reading = {
  isKnown: true,
  position: "open",
  isTripped: false,
  isShortCircuit: false,
  isRemote: true,
  isUnloaded: true,
};
const breakerTranscripts: [name: string, lines: readonly Line[]][] = [
  [
    "closes and opens on request",
    [
      [{}, "open"],
      ["close.requested", "closing", "close"],
      [{ position: "closed" }, "closed"],
      ["open.requested", "opening", "open"],
      [{ position: "open" }, "open"],
    ],
  ],
  [
    "synchronises on request",
    [
      [{}, "open"],
      ["sync.requested", "syncing", "syncAndClose"],
      [{ position: "closed" }, "closed"],
    ],
  ],
  [
    "cancels what is not synchronised in time",
    [
      [{}, "open"],
      ["sync.requested", "syncing", "syncAndClose"],
      [60_000, "failed", "open"],
      [{}, "failed"],
      ["reset.requested", "unknown"],
      [{}, "open"],
    ],
  ],
  [
    "has failed where it does not close in time, until it has come, is told again or reset",
    [
      [{}, "open"],
      ["close.requested", "closing", "close"],
      [2000, "failed"],
      [{}, "failed"],
      ["close.requested", "closing", "close"],
      [2000, "failed"],
      [{ position: "closed" }, "unknown"],
      [{}, "closed"],
      ["open.requested", "opening", "open"],
      [2000, "failed"],
      ["reset.requested", "unknown"],
    ],
  ],
  [
    "has failed where the device refuses",
    [
      [{}, "open"],
      ["close.requested", "closing", "close"],
      ["command.failed close", "failed"],
    ],
  ],
  [
    "latches a short circuit until it is cleared and reset",
    [
      [{ position: "closed" }, "closed"],
      [{ position: "open", isTripped: true, isShortCircuit: true }, "shortCircuit"],
      ["close.requested", "shortCircuit"],
      ["reset.requested", "shortCircuit"],
      [{ isTripped: false, isShortCircuit: false }, "shortCircuit"],
      ["close.requested", "shortCircuit"],
      ["reset.requested", "unknown"],
      [{}, "open"],
    ],
  ],
  [
    "does not repeat a command that was dropped",
    [
      [{}, "open"],
      ["close.requested", "closing", "close"],
      ["command.dropped close", "unknown"],
      [{}, "open"],
    ],
  ],
  [
    "gives a command of unknown fate once more where the contacts have not moved, and then lets the position decide",
    [
      [{}, "open"],
      ["close.requested", "closing", "close"],
      ["command.unknown close", "closing"],
      [2000, "closing", "close"],
      ["command.unknown close", "closing"],
      [2000, "unknown"],
      [{}, "open"],
    ],
  ],
  [
    "synchronises once more where the command was lost with its leader",
    [
      [{}, "open"],
      ["sync.requested", "syncing", "syncAndClose"],
      ["command.unknown syncAndClose", "syncing"],
      [14_999, "syncing"],
      [1, "syncing", "syncAndClose"],
      [{ position: "closed" }, "closed"],
    ],
  ],
  [
    "opens once more where the command was lost with its leader",
    [
      [{ position: "closed" }, "closed"],
      ["open.requested", "opening", "open"],
      ["command.unknown open", "opening"],
      [2000, "opening", "open"],
      [{ position: "open" }, "open"],
    ],
  ],
  [
    "closes onto a dead busbar by permit, and never once more by itself",
    [
      [{}, "open"],
      ["deadClose.permitted", "closing", "close"],
      ["command.unknown close", "closing"],
      [2000, "unknown"],
      [{}, "open"],
    ],
  ],
  [
    "lets the position decide where a fate is unknown",
    [
      [{}, "open"],
      ["close.requested", "closing", "close"],
      ["command.unknown close", "closing"],
      [{ position: "closed" }, "closed"],
    ],
  ],
  [
    "shows a trip",
    [
      [{ position: "closed" }, "closed"],
      [{ position: "open", isTripped: true }, "tripped"],
      ["close.requested", "tripped"],
    ],
  ],
  [
    "is unknown without valid contacts",
    [
      [{ position: "closed" }, "closed"],
      [{ position: "unknown" }, "unknown"],
    ],
  ],
];

describe.each([
  ["breaker", replicate(breakerMachine)],
  ["bus-tie", replicate(busTieMachine)],
  ["feeder", replicate(feederMachine)],
])("a %s", (_kind, machine) => {
  it.each(breakerTranscripts)("%s", (_name, lines) =>
    play(machine, { syncTimeoutMs: 60_000, deloadTimeoutMs: 0 }, BREAKER, lines),
  );
});

describe("a bus-tie that carries power", () => {
  const transcripts: [string, readonly Line[]][] = [
    [
      "opens when its power is down",
      [
        [{ position: "closed", isUnloaded: false }, "closed"],
        ["open.requested", "deloading"],
        [{}, "deloading"],
        [{ isUnloaded: true }, "opening", "open"],
        [{ position: "open" }, "open"],
      ],
    ],
    [
      "goes on trying after its time, and stays closed where that is asked",
      [
        [{ position: "closed", isUnloaded: false }, "closed"],
        ["open.requested", "deloading"],
        [30_000, "deloading"],
        ["sync.requested", "closed"],
      ],
    ],
    [
      "opens at once where that is asked",
      [
        [{ position: "closed", isUnloaded: false }, "closed"],
        ["openNow.requested", "opening", "open"],
      ],
    ],
  ];
  it.each(transcripts)("%s", (_name, lines) =>
    play(
      replicate(busTieMachine),
      { syncTimeoutMs: 60_000, deloadTimeoutMs: 30_000 },
      BREAKER,
      lines,
    ),
  );
});

describe("a battery", () => {
  const BATTERY: Reading = {
    isKnown: true,
    position: "open",
    isRemote: true,
    converter: "ready",
    isForming: false,
    isFault: false,
    isTripped: false,
    isBusLive: true,
  };
  const transcripts: [string, readonly Line[]][] = [
    [
      "gives a command of unknown fate once more, onto a dead busbar by permit alone",
      [
        [{}, "ready"],
        ["sync.requested syncAndClose", "ready", "syncAndClose"],
        ["command.unknown syncAndClose", "ready"],
        [14_999, "ready"],
        [1, "ready", "syncAndClose"],
        [{ position: "closed" }, "following"],
        ["setForming.requested setForming", "following", "setForming"],
        ["command.unknown setForming", "following"],
        [3000, "following", "setForming"],
        [{ position: "open", isBusLive: false }, "ready"],
        ["deadClose.permitted", "ready", "setForming", "syncAndClose"],
        ["command.unknown syncAndClose", "ready"],
        [15_000, "ready"],
      ],
    ],
    [
      "shows the converter's own states",
      [
        [{ converter: "off" }, "off"],
        [{ converter: "precharge" }, "precharge"],
        [{ converter: "ready" }, "ready"],
        [{ converter: "isolated" }, "isolated"],
      ],
    ],
    [
      "connects and changes its mode on request",
      [
        [{}, "ready"],
        ["sync.requested syncAndClose", "ready", "syncAndClose"],
        ["sync.requested syncAndClose", "ready"],
        [{ position: "closed" }, "following"],
        ["setForming.requested setForming", "following", "setForming"],
        [{ isForming: true }, "forming"],
      ],
    ],
    [
      "shows a fault before all else",
      [
        [{ position: "closed", isForming: true }, "forming"],
        [{ isFault: true }, "fault"],
        ["open.requested open", "fault"],
      ],
    ],
  ];
  it.each(transcripts)("%s", (_name, lines) =>
    play(replicate(batteryMachine), { hasSyncCheck: true }, BATTERY, lines),
  );
});

describe("a shore connection", () => {
  const SHORE: Reading = {
    isKnown: true,
    position: "open",
    isRemote: true,
    isVoltagePresent: false,
    isRotationGood: true,
    isTripped: false,
    isBusLive: true,
    isLoaded: false,
    isUnloaded: true,
  };
  const transcripts: [string, readonly Line[]][] = [
    [
      "synchronises once more where the command was lost with its leader",
      [
        [{ isVoltagePresent: true }, "ready"],
        ["sync.requested", "syncing", "syncAndClose"],
        ["command.unknown syncAndClose", "syncing"],
        [14_999, "syncing"],
        [1, "syncing", "syncAndClose"],
        [{ position: "closed" }, "transferring"],
      ],
    ],
    [
      "comes, is taken, given back",
      [
        [{}, "absent"],
        [{ isVoltagePresent: true }, "ready"],
        ["sync.requested", "syncing", "syncAndClose"],
        [{ position: "closed", isUnloaded: false }, "transferring"],
        [{ isLoaded: true }, "closed"],
        ["open.requested", "transferring"],
        [{ isUnloaded: true }, "transferring", "open"],
        [{ position: "open" }, "ready"],
      ],
    ],
    [
      "refuses a wrong phase rotation",
      [
        [{ isVoltagePresent: true, isRotationGood: false }, "phaseRotationBad"],
        ["sync.requested", "phaseRotationBad"],
      ],
    ],
    ["shows a dead connection", [[{ position: "closed" }, "connectedDead"]]],
  ];
  it.each(transcripts)("%s", (_name, lines) =>
    play(replicate(shoreMachine), { hasSyncCheck: true }, SHORE, lines),
  );
});

describe("a thruster", () => {
  const THRUSTER: Reading = {
    isKnown: true,
    isRemote: true,
    isRequesting: false,
    isTripped: false,
    isDrawing: false,
    isRunning: false,
  };
  const runs = { isDrawing: true, isRunning: true };
  const continuous = { feedbackTimeoutMs: 60_000, isPulse: false };
  const pulse = { feedbackTimeoutMs: 60_000, isPulse: true };
  const transcripts: [string, MachineInput, readonly Line[]][] = [
    [
      "asks, is granted and told so, runs, gives back",
      continuous,
      [
        [{}, "off"],
        [{ isRequesting: true }, "requesting"],
        ["granted", "granted", "acknowledge"],
        [runs, "running"],
        [{ isRequesting: false, isDrawing: false }, "off"],
      ],
    ],
    [
      "loses a grant that it does not use in time, and must ask again",
      continuous,
      [
        [{ isRequesting: true }, "requesting"],
        ["granted", "granted", "acknowledge"],
        [60_000, "timedOut", "withdraw"],
        [{ isRequesting: false }, "off"],
        [{ isRequesting: true }, "requesting"],
      ],
    ],
    [
      "takes its request back while granted",
      continuous,
      [
        [{ isRequesting: true }, "requesting"],
        ["granted", "granted", "acknowledge"],
        [{ isRequesting: false }, "off", "withdraw"],
      ],
    ],
    [
      "holds a pulse until it has run and stopped",
      pulse,
      [
        [{ isRequesting: true }, "requesting"],
        [{ isRequesting: false }, "requesting"],
        ["granted", "granted", "acknowledge"],
        [runs, "running"],
        [{ isDrawing: false }, "running"],
        [{ isRunning: false }, "off"],
      ],
    ],
    [
      "counts as running where it already draws when first seen",
      continuous,
      [[{ isRequesting: true, ...runs }, "running"]],
    ],
    [
      "keeps its grant while its feedback is missing",
      continuous,
      [
        [{ isRequesting: true, ...runs }, "running"],
        [{ isKnown: false }, "running"],
      ],
    ],
    [
      "goes back in line where its grant is withdrawn",
      continuous,
      [
        [{ isRequesting: true, ...runs }, "running"],
        ["withdrawn", "requesting", "withdraw"],
      ],
    ],
  ];
  it.each(transcripts)("%s", (_name, input, lines) =>
    play(replicate(thrusterMachine), input, THRUSTER, lines),
  );
});

describe("a grid", () => {
  const GRID: Reading = { isAnyConnectedLocal: false, isAllLocal: false };
  it("is pushed to semi by one connected set on local, and to switchboard by all", () => {
    play(replicate(gridMachine), {}, GRID, [
      [{}, "auto"],
      [{ isAnyConnectedLocal: true }, "semi"],
      ["auto.requested", "semi"],
      [{ isAllLocal: true }, "switchboard"],
      ["auto.requested", "switchboard"],
      [{ isAllLocal: false, isAnyConnectedLocal: false }, "semi"],
      ["auto.requested", "auto"],
      ["semi.requested", "semi"],
    ]);
  });
});

describe("a meter and an inverter", () => {
  it("a meter measures or does not", () =>
    play(replicate(meterMachine), {}, { isKnown: true }, [
      [{}, "measuring"],
      [{ isKnown: false }, "unknown"],
    ]));
  it("an inverter shows whether it feeds", () =>
    play(
      replicate(pvMachine),
      {},
      { isKnown: true, position: "closed", isRunning: true, isTripped: false },
      [
        [{}, "feeding"],
        [{ isRunning: false }, "standby"],
        [{ position: "open" }, "off"],
        [{ isTripped: true }, "tripped"],
        [{ isKnown: false }, "unknown"],
      ],
    ));
});
