import type { DeviceConfig, GridConfig } from "../../configs/manifest.ts";
import type { DeviceKind } from "../../kernel/device-kinds.ts";
import { BATTERY_MODES } from "./battery-modes.ts";
import { LIMIT_EXPIRY_S_MAX, limitMaxOf } from "./operator-limits.ts";

/** A command that an operator may give, with what a page or a command line needs to offer it. */
export interface OperatorCommand {
  readonly command: string;
  /** What happens then, for people. */
  readonly meaning: string;
  readonly arguments: readonly CommandArgument[];
}

/** With choices: one of them. Without, and with a most: a number. Else a flag. */
export interface CommandArgument {
  readonly name: string;
  readonly meaning: string;
  readonly choices: readonly { readonly value: string; readonly name: string }[];
  readonly unit: string;
  readonly min: number | null;
  readonly max: number | null;
}

type Offer = readonly [command: string, needs: string, meaning: string];

const SYNCHRONISE = "synchronise by the device's own check relay, then close";
const RESET: Offer = ["reset", "", "forget the failure and look again"];

/** By kind: the command, what the profile must offer for it ("": nothing), and its meaning. */
const OFFERS: Readonly<Record<DeviceKind, readonly Offer[]>> = {
  genset: [
    ["start", "start", "its own controller cranks it, and it is synchronised when it is ready"],
    ["stop", "stop", "unload, open the breaker, cool down and stop"],
    ["syncAndClose", "syncAndClose", SYNCHRONISE],
    ["open", "open", "unload, then open the breaker"],
    ["semi", "", "only operators start and stop it; its capacity counts all the same"],
    ["auto", "", "R-EMS starts and stops it"],
    RESET,
  ],
  battery: [
    ["syncAndClose", "syncAndClose", SYNCHRONISE],
    ["open", "open", "bring its power down, then open the breaker"],
    ["setForming", "setForming", "change to grid-forming"],
    ["setFollowing", "setFollowing", "change to grid-following"],
    ["reset", "", "end its lock-out after an emergency stop, gas or fire"],
  ],
  busTie: [
    ["close", "syncAndClose", `${SYNCHRONISE}: the islands become one`],
    ["open", "open", "bring the power over the tie down, then open it"],
    ["openNow", "open", "open at once, whatever flows"],
    RESET,
  ],
  breaker: [
    ["syncAndClose", "syncAndClose", SYNCHRONISE],
    ["close", "close", "close onto a busbar without voltage behind it"],
    ["open", "open", "open the breaker"],
    RESET,
  ],
  feeder: [
    ["close", "close", "close the breaker"],
    ["open", "open", "open the breaker: its consumers go dark"],
    RESET,
  ],
  shore: [
    ["syncAndClose", "syncAndClose", SYNCHRONISE],
    ["open", "open", "bring its power down, then open the breaker"],
  ],
  thruster: [RESET],
  pv: [],
  meter: [],
};

const choice = (
  name: string,
  meaning: string,
  choices: CommandArgument["choices"],
): CommandArgument => ({ name, meaning, choices, unit: "", min: null, max: null });
const number = (
  name: string,
  meaning: string,
  unit: string,
  min: number,
  max: number,
): CommandArgument => ({ name, meaning, choices: [], unit, min, max });

/** What an operator may ask of a device. The core's answer decides whether it is done now. */
export function deviceCommandsOf(device: DeviceConfig, isLand: boolean): OperatorCommand[] {
  const { kind, profile } = device;
  const offered = new Set(profile.commands.map(({ command }) => command));
  const plain = OFFERS[kind]
    .filter(([, needs]) => needs === "" || offered.has(needs))
    .map(([command, , meaning]) => ({ command, meaning, arguments: [] }));
  const more = [...withArguments(device, isLand)];
  if (kind === "meter") return plain;
  const release = "take its machine out of quarantine: it begins anew from feedback";
  return [...plain, ...more, { command: "release", meaning: release, arguments: [] }];
}

function withArguments(device: DeviceConfig, isLand: boolean): OperatorCommand[] {
  const { kind } = device;
  if (kind === "battery") {
    const modes = BATTERY_MODES.map((value) => ({ value, name: value.replaceAll("_", " ") }));
    const what = "what the battery is for, until another mode is chosen";
    return [{ command: "mode", meaning: what, arguments: [choice("mode", "mode", modes)] }];
  }
  if (kind === "pv" || kind === "thruster") {
    const unit = kind === "pv" ? "%" : "kW";
    return [
      {
        command: "limit",
        meaning: "hold it below this for a time; it ends by itself",
        arguments: [
          number("value", "limit", unit, 0, limitMaxOf(device)),
          number("expiryS", "for", "s", 1, LIMIT_EXPIRY_S_MAX),
        ],
      },
    ];
  }
  if (kind !== "shore" || isLand) return [];
  const what = "without parallel operation: the busbar is dark for a moment";
  const dark = choice("breakBeforeMake", what, []);
  return [
    {
      command: "transferToShore",
      meaning: "shore takes the load over, and the sets stop",
      arguments: [dark],
    },
    {
      command: "transferToShip",
      meaning: "the sets take the load over, and shore is opened",
      arguments: [dark],
    },
  ];
}

const SHARING_CHOICES: CommandArgument["choices"] = [
  { value: "isochronous", name: "isochronous: nominal frequency at any load" },
  { value: "droop", name: "droop: references rest, the frequency follows the load" },
];

/** What an operator may ask of a grid as a whole. */
export function gridCommandsOf(grid: GridConfig): OperatorCommand[] {
  const plain = (command: string, meaning: string): OperatorCommand => ({
    command,
    meaning,
    arguments: [],
  });
  const modes = grid.modes.map(({ id, name }) => ({ value: id, name }));
  return [
    plain("auto", "R-EMS decides what starts, stops and connects"),
    plain("semi", "operators decide, through R-EMS"),
    ...(modes.length === 0
      ? []
      : [
          {
            command: "mode",
            meaning: "how the grid is run, until another operating mode is chosen",
            arguments: [choice("mode", "operating mode", modes)],
          },
        ]),
    ...(grid.site === null && grid.devices.some(({ kind }) => kind === "genset")
      ? [
          {
            command: "sharing",
            meaning: "how the sets of the island share what changes, until another way is chosen",
            arguments: [choice("mode", "way of sharing", SHARING_CHOICES)],
          },
        ]
      : []),
    plain("reset", "begin a recovery from a blackout anew that was given up"),
    ...(grid.site === null
      ? []
      : [
          plain("island", "leave the utility once no power flows between them"),
          plain("reconnect", "go back to the utility once it has been in band long enough"),
        ]),
  ];
}
