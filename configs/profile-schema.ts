import { z } from "zod";
import { DEVICE_KINDS } from "../kernel/device-kinds.ts";
import { field } from "./field-schema.ts";
import { mqttSchema } from "./mqtt/mqtt-schema.ts";
import { SUPERVISION } from "./profile.ts";
import { sunspecSchema } from "./sunspec/sunspec-schema.ts";
import { supervisionFields } from "./supervision-schema.ts";

const address = (meaning: string) => field(z.int().min(0).max(65535), meaning);
const text = (lengthMax: number) => z.string().min(1).max(lengthMax);
const scalar = z.union([z.boolean(), z.number(), text(32)]);

const registerTable = z.enum(["holding", "input", "coil", "discrete"]);

const pointSchema = z.strictObject({
  point: field(text(64), "Point of the kind, for example `activePowerKw`."),
  table: field(
    registerTable,
    "Modbus table: holding and input hold registers, coil and discrete hold bits.",
  ),
  address: address("Protocol address, counted from 0 (a manual's 40001 is holding 0)."),
  type: field(
    z.enum(["int16", "uint16", "int32", "uint32", "float32", "bit"]),
    "How the raw value is coded.",
  ),
  bit: field(
    z.int().min(0).max(15).optional(),
    "Bit of a register, 0 the lowest; for type `bit` in a table of registers.",
  ),
  word_order: field(
    z.enum(["big", "little"]).default("big"),
    "For 32-bit types: `big` has the high word first.",
  ),
  scale: field(z.number().default(1), "value = raw × scale + offset."),
  offset: field(z.number().default(0), "value = raw × scale + offset.", { unit: "of the point" }),
  access: field(
    z.enum(["read", "readWrite", "write"]).default("read"),
    "What the register allows. Levels need `readWrite`, or `write` with `read_back`.",
  ),
  poll: field(
    z.enum(["fast", "slow", "rare"]).default("fast"),
    "`fast` is read every scan, `slow` twice a second, `rare` every ten seconds (counters, names).",
  ),
  labels: field(
    z.record(z.string().regex(/^\d{1,5}$/), text(32)).optional(),
    "Raw value to label, where the point is a label.",
    { form: 'a table from raw value to label, for example { 0 = "off" }' },
  ),
  not_available: field(
    z.int().optional(),
    "Raw value by which the device says that it has no value; the point is then bad.",
  ),
  true_values: field(
    z.array(z.int().min(0).max(4294967295)).max(32).optional(),
    "Switches: raw values that mean true, where one set bit does not. `[0]` turns a bit round.",
  ),
  true_mask: field(
    z.int().min(1).max(4294967295).optional(),
    "Switches: the point is true while any of these bits is set.",
  ),
  constant: field(
    scalar.optional(),
    "What the point is in this installation, where the device does not tell it. Needs `reason`; good for as long as the register at `address` is read.",
    { form: "true, false, a number or a label" },
  ),
  reason: field(text(200).optional(), "Who or what sees to it that the `constant` is true."),
  write_with: field(
    z
      .strictObject({
        before: field(
          z.array(z.int().min(0).max(65535)).max(16).default([]),
          "Raw values of the registers right before.",
        ),
        after: field(
          z.array(z.int().min(0).max(65535)).max(16).default([]),
          "Raw values of the registers right after.",
        ),
      })
      .optional(),
    "Levels: neighbouring registers that each write sets along, such as an enable flag or the device's own watchdog time.",
  ),
  ...supervisionFields(SUPERVISION.confirmWithinMs),
  read_back: field(
    z
      .strictObject({
        table: field(registerTable, "Table of the read-back."),
        address: address("Address of the read-back; coded as the point itself."),
      })
      .optional(),
    "Levels: where the device shows the value that it holds, if not at the same register.",
  ),
});

const commandSchema = z.strictObject({
  command: field(text(64), "Command of the kind, for example `syncAndClose`."),
  table: field(z.enum(["holding", "coil"]), "Modbus table."),
  address: address("Protocol address, counted from 0."),
  value: field(z.int().min(0).max(65535), "Raw value to write; 0 or 1 for a coil."),
  before: field(
    z.array(z.int().min(0).max(65535)).max(16).default([]),
    "Raw values of the registers right before, set in the same request: the argument of a command code.",
  ),
  followed_by: field(
    z
      .strictObject({
        point: field(text(64), "Point that shows that the command took effect."),
        value: field(scalar, "Its value then.", { form: "true, false, a number or a text" }),
        within_ms: field(z.int().min(1).max(600_000), "Longest time until it shows.", {
          unit: "ms",
        }),
      })
      .optional(),
    "Feedback that shows that the command took effect.",
  ),
});

const modbusSchema = z.strictObject({
  gap_ms: field(
    z.number().min(0).max(1000).default(0),
    "Least time from an answer to the next request, for devices that lose requests which come too fast.",
    { unit: "ms" },
  ),
  in_flight_max: field(
    z.int().min(1).max(16).default(1),
    "Requests that the device takes at once on one connection. Only over Modbus TCP; a serial line has one.",
  ),
  registers_per_read_max: field(z.int().min(2).max(125).default(125), "Registers of one read."),
  bits_per_read_max: field(
    z.int().min(1).max(2000).default(2000),
    "Coils or discrete inputs of one read.",
  ),
  registers_per_write_max: field(z.int().min(2).max(123).default(123), "Registers of one write."),
  register_gap_max: field(
    z.int().min(0).max(120).optional(),
    "Unused registers that are read along rather than asked for separately. 0 where a gap must never be read.",
    {
      defaultText:
        "by what a request costs: 32 over TCP, 8 over RTU in TCP, by the baud rate on a serial line",
    },
  ),
  bit_gap_max: field(
    z.int().min(0).max(1900).optional(),
    "Unused bits that are read along rather than asked for separately.",
    { defaultText: "16 times the registers" },
  ),
  forbidden: field(
    z
      .array(
        z.strictObject({
          table: field(registerTable, "Table of the range."),
          address: address("First address."),
          count: field(z.int().min(1).max(65536), "Addresses of the range."),
        }),
      )
      .max(64)
      .default([]),
    "Ranges that must never be read, not even along the way: registers that are cleared by reading, or that stop the device.",
  ),
  barriers: field(
    z
      .array(
        z.strictObject({
          table: field(registerTable, "Table of the barrier."),
          address: address("No request holds both this address and the one before."),
        }),
      )
      .max(64)
      .default([]),
    "Borders of register blocks that the device answers only one at a time.",
  ),
});

const fallbackSchema = z.strictObject({
  behaviour: field(
    z.enum(["droop", "hold", "limit", "zero", "none"]),
    "What the device does when R-EMS has been silent for `watchdog_ms`. `none`: it has no set-point to give up, nothing is re-served.",
  ),
  reason: field(text(300), "Why that is safe, in a sentence."),
  watchdog_ms: field(
    z.int().min(100).max(600_000),
    "Time without a write after which the fallback begins. R-EMS writes at a third of it or faster.",
    { unit: "ms" },
  ),
});

/** A device profile as it is written in TOML. */
export const profileSchema = z.strictObject({
  id: field(
    z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
    "Name that manifests use; the file is named `<id>.toml`.",
    { form: "1 to 64 lower-case letters, digits and hyphens" },
  ),
  name: field(text(120), "Name for people."),
  kind: field(z.enum(Object.keys(DEVICE_KINDS) as [keyof typeof DEVICE_KINDS]), "Kind of device."),
  family: field(
    z.enum(["modbus", "sunspec", "mqtt"]),
    "Family of drivers. How the device is connected (TCP, serial line) is said where it stands, in the manifest.",
  ),
  source: field(text(300), "Where the register facts come from: manual, edition, page."),
  sign_statement: field(
    z.string().min(10).max(300),
    "How the device's own signs map to those of R-EMS (sources positive into the busbar, loads positive where they draw).",
  ),
  sync_check: field(
    z.enum(["device", "none"]).optional(),
    "`device`: it synchronises and checks by itself before it closes. `none`: it must never be asked to close onto a live bus.",
  ),
  masters_max: field(z.int().min(1).max(100), "Masters that the device accepts at once."),
  slot_release_ms: field(
    z.int().min(0).max(600_000),
    "How long the device keeps the place of a master that vanished.",
    { unit: "ms" },
  ),
  write_ms: field(
    z.int().min(1).max(1000).default(20),
    "Longest time that the device needs to act on a write, gateway delay included.",
    { unit: "ms" },
  ),
  request_timeout_ms: field(
    z.int().min(50).max(10_000).default(500),
    "A request unanswered for so long has failed.",
    { unit: "ms" },
  ),
  fallback: field(
    fallbackSchema.optional(),
    "What the device does without R-EMS; required where it takes commands or levels.",
  ),
  signature: field(
    z
      .strictObject({
        table: field(registerTable, "Table of the signature."),
        address: address("Address of the signature."),
        value: field(z.int().min(0).max(65535), "What stands there."),
      })
      .optional(),
    "Register that only a simulated device answers so; absent in profiles of real devices.",
  ),
  modbus: field(
    modbusSchema.prefault({}),
    "What the device's Modbus side bears. Left out, everything that the protocol allows.",
  ),
  epoch_register: field(
    z
      .strictObject({
        address: address(
          "Holding register of the high word; the low word follows. Levels and the command register follow without a gap, so that one request writes them together.",
        ),
      })
      .optional(),
    "Where the device takes the epoch of the leadership (uint32, high word first) and refuses a lower one.",
  ),
  points: field(
    z.array(pointSchema).max(500).default([]),
    "Points of the device, for family `modbus`.",
  ),
  commands: field(z.array(commandSchema).max(32).default([]), "Commands that the device takes."),
  release: field(
    z.array(text(64)).max(8).default([]),
    "Commands of this profile, in this order, by which an orderly stop of R-EMS gives the device back, where no other controller takes over. Its set-points are not held any more.",
    { form: 'a list of commands, for example ["release"]' },
  ),
  sunspec: field(
    sunspecSchema.optional(),
    "What is needed of a SunSpec device, for family `sunspec`: the device itself says where it stands.",
  ),
  mqtt: field(mqttSchema.optional(), "Topics of the device, for family `mqtt`."),
});

export type ProfileFile = z.output<typeof profileSchema>;
