import { z } from "zod";
import { DEVICE_KINDS } from "../kernel/device-kinds.ts";
import { host, id, name, port, seconds, text } from "./field-kinds.ts";
import { field } from "./field-schema.ts";
import {
  batteryUseSchema,
  consumerSchema,
  powerSchema,
  ratingsSchema,
  sacrificeSchema,
} from "./power-schema.ts";
import { blackoutSchema, operatingModeSchema, siteSchema } from "./sequence-schema.ts";

const timing = (meaning: string) =>
  field(z.number().gt(0).max(600_000).optional(), meaning, {
    unit: "ms",
    defaultText: "as in the timing set",
  });
const control = z.enum(["observe", "advise", "control"]);

const timingsSchema = z.strictObject({
  scan_ms: timing("One control cycle."),
  heartbeat_ms: timing("Longest silence of a leader. At most half of `shrink_ms`."),
  lease_ms: timing(
    "A standby's promise is good for the leader so long from the sending of the acknowledged message.",
  ),
  shrink_ms: timing(
    "A standby that misses acknowledgements for so long leaves the in-sync set. Below `lease_ms`.",
  ),
  grace_ms: timing(
    "A standby's promise binds it so long from receipt. At least `lease_ms` × 1.1 + 2 × `clock_divergence_ms`.",
  ),
  stagger_ms: timing("Further wait per rank before a takeover, besides a heartbeat."),
  solo_lease_ms: timing("Authority of a leader that stands alone in the record."),
  solo_renew_ms: timing(
    "Such a leader renews the record so often. At most half of `solo_lease_ms`.",
  ),
  solo_grace_ms: timing(
    "A lone leader's record must stay unchanged so long before a controller not in sync may take over. At least `solo_lease_ms` × 1.1 + 2 × `clock_divergence_ms`.",
  ),
  cold_start_ms: timing(
    "Wait per rank before an absent record is created, and for silent controllers. More than `solo_grace_ms`.",
  ),
  rejoin_ms: timing(
    "Members of the old in-sync set that can continue by log tail rejoin within this time.",
  ),
  hold_ms: timing("A standby that hears of no authority for so long goes on to a takeover."),
  io_loss_ms: timing(
    "A leader that reaches fewer critical devices than a standby for so long hands over.",
  ),
  handover_ms: timing(
    "A planned handover that is not complete after so long ends in an ordinary takeover.",
  ),
  journal_sync_ms: timing("Frames are on disk so long after they were appended. At most 100."),
  clock_divergence_ms: timing("The most that two nodes' clocks differ over one grace."),
  stale_ms: timing("A point that was not read for so long is uncertain."),
  coordinator_ms: timing("Deadline of one call to the coordinator."),
});

const serialSchema = z.strictObject({
  port: field(z.string().min(1).max(255), "Serial port of the node.", {
    form: 'a device path in quotes, for example "/dev/ttyUSB0"',
  }),
  baud_rate: field(z.int().min(1200).max(921_600).default(19_200), "Speed of the line.", {
    unit: "baud",
  }),
  parity: field(z.enum(["none", "even", "odd"]).default("even"), "Parity."),
  stop_bits: field(z.union([z.literal(1), z.literal(2)]).optional(), "Stop bits.", {
    form: "1 or 2",
    defaultText: "1 with parity, 2 without",
  }),
  frame_gap_ms: field(
    z.number().min(0).max(1000).optional(),
    "Silence between frames, for converters that need more than the standard asks for.",
    { unit: "ms", defaultText: "3.5 characters, at least 1.75 ms" },
  ),
});

const brokerSchema = z.strictObject({
  tls: field(z.boolean().default(false), "Encrypted (mqtts); brokers mostly listen on port 8883."),
  ca_file: field(
    z.string().max(300).default(""),
    "PEM file of the authorities that may vouch for the broker, whose certificate must bear `host`.",
    { defaultText: "the authorities that Node trusts" },
  ),
  credentials_file: field(
    z.string().max(300).default(""),
    "File with `user:password` in one line, readable by the daemon alone.",
    { defaultText: "no log-in" },
  ),
  secret_variable: field(
    z.string().max(64).default(""),
    "Environment variable of the daemon that holds `user:password`, instead of a file.",
    { defaultText: "no log-in" },
  ),
});

const deviceSchema = z.strictObject({
  id: id("Name of the device, once in the installation: `dg1` in `dg1.activePowerKw`."),
  name: name("Name for people."),
  kind: field(
    z.enum(Object.keys(DEVICE_KINDS) as [keyof typeof DEVICE_KINDS]),
    "Kind of device; the profile's kind must be the same.",
  ),
  profile: field(text(64), "Id of the device profile.", {
    form: "the id of a device profile in quotes",
  }),
  host: host("Address of the device or of its gateway. Required but on a serial line.").optional(),
  port: field(z.int().min(1).max(65535).default(502), "TCP port of the device."),
  unit_id: field(z.int().min(1).max(255).default(1), "Modbus unit."),
  transport: field(
    z.enum(["tcp", "rtu-over-tcp", "rtu"]).default("tcp"),
    "How Modbus frames travel: `tcp` with the header of Modbus TCP, `rtu-over-tcp` as on a serial line but through a TCP connection (device servers), `rtu` on a serial line of this node.",
  ),
  serial: field(
    serialSchema.optional(),
    "The serial line, for transport `rtu`. Devices that name the same port share the line.",
  ),
  broker: field(
    brokerSchema.optional(),
    "Access to the MQTT broker at `host` and `port`, for profiles of family `mqtt`. Devices that name the same broker state the same.",
    { defaultText: "plain text, no log-in" },
  ),
  maintenance: field(
    z.boolean().default(false),
    "Taken out on purpose: nothing is sent to the device, and its state is `maintenance`.",
  ),
  simulated: field(
    z.boolean().optional(),
    "The plant simulator serves this device. Rejected in production.",
    { defaultText: "true in simulation, false in production" },
  ),
  control: field(
    control.optional(),
    "Narrows the grid's `control` for this device; the stricter of the two holds.",
    { defaultText: "as the grid" },
  ),
  critical: field(
    z.boolean().optional(),
    "Whether reaching this device counts when a leader that lost its plant is compared with a standby.",
    { defaultText: "true for sources and bus-ties" },
  ),
  ratings: field(ratingsSchema.prefault({}), "Nameplate. What does not apply is left out."),
  battery: field(
    batteryUseSchema.optional(),
    "What a battery is for. For batteries; each field has its default.",
    { defaultText: "each field's own", kinds: ["battery"] },
  ),
  consumer: field(
    consumerSchema.optional(),
    "How a heavy consumer asks for power. For thrusters; each field has its default.",
    { defaultText: "each field's own", kinds: ["thruster"] },
  ),
  trip_stage: field(
    z.int().min(0).max(3).optional(),
    "Stage at which load is shed: 0 first (battery charging), 3 last (thrusters). For feeders, thrusters and batteries.",
    { defaultText: "never shed", kinds: ["feeder", "thruster", "battery"] },
  ),
});

const controllerSchema = z.strictObject({
  node: id("Node on which this controller runs."),
  role: field(
    z.enum(["primary", "standby"]),
    "`primary` is the preferred leader, the first in `failover_order`; one in each grid.",
  ),
  failover_order: field(
    z.int().min(1).max(100),
    "Lower numbers take over first. Each once in a grid.",
  ),
});

const gridSchema = z.strictObject({
  id: id("Name of the grid."),
  name: name("Name for people."),
  nominal_voltage_v: field(z.number().min(100).max(15_000), "Nominal line voltage.", { unit: "V" }),
  nominal_frequency_hz: field(z.union([z.literal(50), z.literal(60)]), "Nominal frequency.", {
    unit: "Hz",
  }),
  control: field(
    control.optional(),
    "`observe`: compute and journal, write nothing. `advise`: also propose to people. `control`: command devices.",
    { defaultText: "control in simulation, observe in production" },
  ),
  timing_set: field(
    z.enum(["fast", "default", "relaxed"]).default("default"),
    "Times of the failover rules. `fast`: a dedicated machine with real-time priority; `relaxed`: virtual or busy hosts.",
  ),
  timings: field(timingsSchema.prefault({}), "Own values laid over the timing set."),
  allow_stale_takeover: field(
    z.boolean().default(true),
    "A controller that is not in sync may take over from a lone leader that fell silent, with an alarm.",
  ),
  failback: field(
    z.enum(["manual", "automatic"]).default("manual"),
    "Whether leadership returns to the preferred controller by itself.",
  ),
  failback_delay_s: seconds(
    86_400,
    60,
    "How long the preferred controller must have been in sync before an automatic failback.",
  ),
  controllers: field(z.array(controllerSchema).min(1).max(9), "Redundant controllers of the grid."),
  power: field(powerSchema.prefault({}), "Limits and delays of load-dependent start and stop."),
  blackout: field(blackoutSchema.prefault({}), "What happens after a blackout."),
  modes: field(
    z.array(operatingModeSchema).max(16).default([]),
    "Ways to run the grid that operators choose from; the first is in force at the first start.",
    { defaultText: "none: `power` alone holds" },
  ),
  site: field(
    siteSchema.optional(),
    "Limits at the point of interconnection. For installations of kind land.",
    { defaultText: "none" },
  ),
  devices: field(
    z.array(deviceSchema).min(1).max(200),
    "Devices of the grid, in the order in which they are shown.",
  ),
});

const nodeSchema = z.strictObject({
  id: id("Name of the node."),
  host: host("Address at which the other nodes reach it."),
  peer_port: port("gRPC between nodes."),
  operator_port: port("gRPC for operators (`r-emsctl`)."),
  http_port: port("HTTP: web application and `/metrics`."),
  modbus_port: field(
    z.int().min(1).max(65535).optional(),
    "Modbus TCP for other systems, see `modbus_server`. Served on this machine only, until there is access control.",
    { defaultText: "not served" },
  ),
  data_directory: field(
    text(300),
    "Where the node keeps its journal, one process at a time. A relative path counts from the working directory.",
  ),
});

const notificationSchema = z.strictObject({
  id: id("Name of this way to reach people; part of what is remembered as sent."),
  kind: field(
    z.enum(["smtp", "webhook", "mqtt"]),
    "`smtp`: e-mail; `webhook`: one HTTP POST with JSON; `mqtt`: one message with JSON.",
  ),
  url: field(
    z.string().regex(/^(smtps?|https?|mqtts?):\/\/[^\s/@]+(\/\S*)?$/),
    "Server. The scheme fits the kind; `smtps`, `https` and `mqtts` are encrypted, `smtp` becomes so where the server offers it. No user or password here.",
    { form: 'a URL in quotes, such as "smtp://mail.example:587"' },
  ),
  from: field(z.string().max(200).default(""), "Sender of e-mails.", {
    form: "an e-mail address in quotes",
  }),
  to: field(z.array(z.string().min(3).max(200)).max(50).default([]), "Receivers of e-mails."),
  topic: field(
    z.string().max(200).default("r-ems/alarms"),
    "Topic of MQTT messages; the grid's id follows, as in `r-ems/alarms/port`.",
  ),
  min_priority: field(
    z.enum(["low", "medium", "high"]).default("high"),
    "Least priority that is sent.",
  ),
  grids: field(z.array(text(32)).max(16).default([]), "Only alarms of these grids.", {
    defaultText: "all grids",
  }),
  tell_return: field(z.boolean().default(false), "Also tell when such an alarm's cause is over."),
  credentials_file: field(
    z.string().max(300).default(""),
    "File with `user:password` in one line, readable by the daemon alone.",
    { defaultText: "no log-in" },
  ),
});

const days = (preset: number, meaning: string) =>
  field(z.number().min(0.01).max(36_500).default(preset), meaning, { unit: "d" });
const megabytes = (min: number, preset: number, meaning: string) =>
  field(z.int().min(min).max(1_000_000).default(preset), meaning, { unit: "MB" });

const historyServerSchema = z.strictObject({
  id: id("Name of the server, for alarms and logs."),
  kind: field(
    z.enum(["influxdb", "surrealdb"]),
    "`influxdb`: line protocol over HTTP (`/write` of InfluxDB 1.x, which 2.x and 3.x serve as well); `surrealdb`: by its client.",
  ),
  url: field(
    z.string().regex(/^https?:\/\/[^\s]{1,300}$/),
    "Where it listens, such as `http://10.0.0.5:8086`.",
    { form: "http:// or https:// and an address, in quotes" },
  ),
  database: field(text(64).default("rems"), "Database that takes the history."),
  namespace: field(text(64).default("rems"), "Namespace of the database. For SurrealDB."),
  secret_variable: field(
    z
      .string()
      .regex(/^[A-Z][A-Z0-9_]{0,63}$/)
      .or(z.literal(""))
      .default(""),
    "Environment variable of the daemon that holds a token, or `user:password`.",
    { form: "the name of an environment variable in capitals", defaultText: "no login" },
  ),
  nodes: field(
    z.array(id("A node.")).max(16).default([]),
    "Nodes that send. What several send alike the server keeps once.",
    { defaultText: "all" },
  ),
});

const historySchema = z.strictObject({
  enabled: field(
    z.boolean().default(true),
    "Keep points, events, alarms and audit in a database. The journal is kept in any case.",
  ),
  journal_size_max_mb: megabytes(
    64,
    512,
    "Oldest parts of the journal go beyond this, never what a restart needs.",
  ),
  journal_days: field(
    z.number().min(0).max(36_500).default(0),
    "Older parts of the journal go, whatever its size. 0: by size alone.",
    { unit: "d" },
  ),
  raw_days: days(7, "Every change of a point is kept so long."),
  seconds_days: days(31, "Roll-ups of one second."),
  minutes_days: days(400, "Roll-ups of one minute."),
  quarters_days: days(3650, "Roll-ups of 15 minutes, and with them the counters of energy."),
  records_days: days(3650, "Events, alarms and audit."),
  size_max_mb: megabytes(
    16,
    4096,
    "Beyond this the oldest changes go before their time, then seconds.",
  ),
  dead_bands: field(
    z
      .array(
        z.strictObject({
          point: field(
            z.string().regex(/^(?:[a-z][a-z0-9-]{0,31}\.)?[a-z][A-Za-z0-9]{0,63}$/),
            "A point of every device (`activePowerKw`) or of one (`dg1.activePowerKw`).",
            { form: "a point, or device and point with a dot between, in quotes" },
          ),
          band: field(
            z.number().min(0).max(1_000_000),
            "A change smaller than this is not kept as a change; roll-ups count it all the same. In the point's unit.",
          ),
        }),
      )
      .max(500)
      .default([]),
    "Own dead bands.",
    { defaultText: "by unit: 0.1 kW, kvar, V, A, K and kg/h, 0.001 Hz, 0.01 % and h" },
  ),
  servers: field(
    z.array(historyServerSchema).max(8).default([]),
    "Database servers that get a copy. After a lost connection they are given what they missed.",
  ),
});

/** `r-ems.toml` as it is written. */
export const manifestSchema = z.strictObject({
  mode: field(
    z.enum(["simulation", "production"]),
    "`simulation`: talk only to devices that prove to be simulated.",
  ),
  insecure: field(
    z.boolean().default(false),
    "Accept plain text beyond this machine. A standing alarm.",
  ),
  profile_directories: field(
    z.array(text(300)).max(8).default([]),
    "Directories with device profiles of your own, besides those that come with R-EMS. A relative path counts from this file.",
  ),
  installation: field(
    z.strictObject({
      id: id("Name of the installation."),
      name: name("Name for people."),
      kind: field(z.enum(["vessel", "land"]), "Decides the words that people read."),
    }),
    "The vessel or site.",
  ),
  coordinator: field(
    z.strictObject({
      kind: field(
        z.enum(["etcd", "embedded"]),
        "`etcd` in production with two or more nodes; `embedded` keeps the record in one process.",
      ),
      endpoints: field(
        z
          .array(
            field(
              z.string().regex(/^[A-Za-z0-9._-]{1,253}:\d{1,5}$|^\[[0-9A-Fa-f:]+\]:\d{1,5}$/),
              "One `host:port`.",
              { form: 'host:port in quotes, for example "127.0.0.1:2379"' },
            ),
          )
          .max(9)
          .default([]),
        "The etcd members, or the process that serves the embedded coordinator. Empty with `embedded`: this process itself.",
      ),
    }),
    "Where the record of who leads is kept.",
  ),
  logging: field(
    z
      .strictObject({
        directory: field(
          text(300).default("/var/log/r-ems"),
          "Where log files go. A relative path counts from the working directory.",
        ),
        level: field(
          z.enum(["trace", "debug", "info", "warn", "error", "fatal"]).default("info"),
          "Least level that is logged; `R_EMS_LOG` overrides it.",
        ),
        keep_days: field(z.int().min(1).max(3650).default(30), "How many daily files are kept.", {
          unit: "d",
        }),
      })
      .prefault({}),
    "Log files.",
  ),
  history: field(historySchema.prefault({}), "What nodes keep of the past, and for how long."),
  metrics: field(
    z.strictObject({ enabled: field(z.boolean().default(true), "Serve `/metrics`.") }).prefault({}),
    "Prometheus metrics.",
  ),
  http: field(
    z
      .strictObject({
        streams_max: field(
          z.int().min(1).max(1000).default(64),
          "Event streams that a node serves at a time; one more is refused.",
        ),
        streams_per_client_max: field(
          z.int().min(1).max(1000).default(32),
          "Of them, those to one address.",
        ),
        body_max_kb: field(z.int().min(1).max(10_000).default(64), "Largest body of a request.", {
          unit: "kB",
        }),
        origins: field(
          z
            .array(z.string().regex(/^https?:\/\/[^\s/]+$/))
            .max(20)
            .default([]),
          "Pages of elsewhere that may read and command, besides those of the nodes themselves: a control room's own screens, say.",
          { form: 'origins in quotes, such as "https://screens.example:8443"' },
        ),
      })
      .prefault({}),
    "HTTP on `http_port` of the nodes; it listens on the node's `host`.",
  ),
  notifications: field(
    z.array(notificationSchema).max(16).default([]),
    "Ways to reach people with alarms.",
  ),
  modbus_server: field(
    z
      .strictObject({
        commands: field(
          z.boolean().default(false),
          "Take commands and set-points from other systems. They become operator commands, and are refused with a reason where a rule forbids them.",
        ),
        role: field(
          z.enum(["operator", "engineer"]).default("operator"),
          "Highest role in which another system may command.",
        ),
        expiry_max_s: field(
          z.int().min(1).max(3600).default(300),
          "Longest time for which a set-point of another system holds without being written again.",
          { unit: "s" },
        ),
      })
      .prefault({}),
    "What R-EMS offers on `modbus_port` of its nodes: points of grids and devices; the map is printed by `r-emsctl modbus-map`.",
  ),
  nodes: field(z.array(nodeSchema).min(1).max(16), "Computers that run R-EMS."),
  grids: field(
    z.array(gridSchema).min(1).max(16),
    "Switchboard sections, each with its own controllers and devices. The first grid of an island leads it.",
  ),
  ties: field(
    z
      .array(
        z.strictObject({
          id: id("Name of the bus-tie."),
          breakers: field(
            z
              .array(
                z.strictObject({
                  grid: id("Grid that owns the breaker."),
                  device: id("Device of kind `busTie` in that grid."),
                }),
              )
              .min(2)
              .max(2),
            "The two breakers in series, one owned by each grid.",
          ),
          sacrifice: field(
            sacrificeSchema.prefault({}),
            "When the tie is opened for the sake of one side.",
          ),
        }),
      )
      .max(32)
      .default([]),
    "Bus-ties between grids.",
  ),
});

export type ManifestFile = z.output<typeof manifestSchema>;
export type GridFile = ManifestFile["grids"][number];
export type DeviceFile = GridFile["devices"][number];
