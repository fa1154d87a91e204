import * as fc from "fast-check";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { present } from "../kernel/assert.ts";
import { RemsError } from "../kernel/errors.ts";
import { checkManifestText, loadManifest } from "./load-manifest.ts";
import { findManifestPath } from "./manifest-path.ts";
import { loadProfiles } from "./load-profile.ts";
import { problemText } from "./problem.ts";
import type { DeviceProfile } from "./profile.ts";

const here = dirname(fileURLToPath(import.meta.url));
const vessel = readFileSync(join(here, "vessel.toml"), "utf8");
const shipped = loadProfiles();
const simulatedGenset = present(shipped.get("sim-epoch-genset"), "a shipped profile");

/** Profiles that only cross checks can reject, beside the shipped ones. */
const profiles: ReadonlyMap<string, DeviceProfile> = new Map([
  ...shipped,
  ...[
    { ...simulatedGenset, id: "real-genset", signature: null },
    { ...simulatedGenset, id: "one-master", mastersMax: 1, slotReleaseMs: 30_000 },
    {
      ...simulatedGenset,
      id: "short-watchdog",
      fallback: { behaviour: "droop" as const, reason: "own droop", watchdogMs: 3000 },
    },
    { ...simulatedGenset, id: "no-fallback", fallback: null },
  ].map((profile) => [profile.id, profile] as const),
]);

/** A small manifest that is right; each row of a table below breaks it in one way. */
const GOOD = `mode = "simulation"
[installation]
id = "test"
kind = "vessel"
[coordinator]
kind = "embedded"
endpoints = ["127.0.0.1:7379"]
[[nodes]]
id = "n1"
host = "127.0.0.1"
peer_port = 7400
operator_port = 7401
http_port = 7402
data_directory = "run/n1"
[[nodes]]
id = "n2"
host = "127.0.0.1"
peer_port = 7410
operator_port = 7411
http_port = 7412
data_directory = "run/n2"
[[grids]]
id = "port"
nominal_voltage_v = 690
nominal_frequency_hz = 60
controllers = [
  { node = "n1", role = "primary", failover_order = 1 },
  { node = "n2", role = "standby", failover_order = 2 },
]
[[grids.devices]]
id = "dg1"
kind = "genset"
profile = "sim-epoch-genset"
host = "127.0.0.1"
port = 5020
ratings = { power_kw = 1000 }
[[grids.devices]]
id = "btp"
kind = "busTie"
profile = "sim-epoch-bus-tie"
host = "127.0.0.1"
port = 5021
[[grids]]
id = "starboard"
nominal_voltage_v = 690
nominal_frequency_hz = 60
controllers = [{ node = "n2", role = "primary", failover_order = 1 }]
[[grids.devices]]
id = "bts"
kind = "busTie"
profile = "sim-epoch-bus-tie"
host = "127.0.0.1"
port = 5031
[[ties]]
id = "tie"
breakers = [{ grid = "port", device = "btp" }, { grid = "starboard", device = "bts" }]
`;

/** The same for production: a real profile and etcd. */
const PRODUCTION = `mode = "production"
[installation]
id = "test"
kind = "vessel"
[coordinator]
kind = "etcd"
endpoints = ["127.0.0.1:2379"]
[[nodes]]
id = "n1"
host = "127.0.0.1"
peer_port = 7400
operator_port = 7401
http_port = 7402
data_directory = "run/n1"
[[grids]]
id = "port"
nominal_voltage_v = 690
nominal_frequency_hz = 60
controllers = [{ node = "n1", role = "primary", failover_order = 1 }]
[[grids.devices]]
id = "dg1"
kind = "genset"
profile = "real-genset"
host = "10.0.0.9"
ratings = { power_kw = 1000 }
`;

function messages(text: string): string[] {
  const { problems } = checkManifestText(text, { path: "r-ems.toml", profiles });
  return problems.map(problemText);
}

/** `from` stands in the text; what replaces it makes the one thing that is wrong. */
function changed(text: string, from: string, to: string): string {
  expect(text).toContain(from);
  return text.replace(from, () => to);
}

const PROFILE_KINDS = `"comap-style-genset", "deif-style-genset", "generic-genset", "sim-epoch-genset", "sim-plain-genset", "real-genset", "one-master", "short-watchdog", "no-fallback"`;
const NO_TLS = "a loopback address, or insecure = true: there is no TLS yet";

const schemaRows: [name: string, from: string, to: string, message: string][] = [
  [
    "a word that is not allowed",
    `mode = "simulation"`,
    `mode = "simulated"`,
    `r-ems.toml:1: mode: found "simulated"; allowed: did you mean "simulation"? one of "simulation", "production"`,
  ],
  [
    "a number out of range",
    "peer_port = 7400",
    "peer_port = 70000",
    "r-ems.toml:11: nodes[0].peer_port: found 70000; allowed: a whole number, 1 to 65535",
  ],
  [
    "a value of the wrong type",
    "peer_port = 7400",
    `peer_port = "7400"`,
    `r-ems.toml:11: nodes[0].peer_port: found "7400"; allowed: a whole number, 1 to 65535`,
  ],
  [
    "a value that is missing",
    "peer_port = 7400\n",
    "",
    "r-ems.toml:8: nodes[0].peer_port: found nothing; allowed: a whole number, 1 to 65535",
  ],
  [
    "a misspelled key",
    "failover_order = 2",
    "failoverOrder = 2",
    "r-ems.toml:28: grids[0].controllers[1].failoverOrder: found an unknown key; allowed: did you mean `failover_order`? Known here: `node`, `role`, `failover_order`",
  ],
  [
    "an unknown key that resembles none",
    "failover_order = 2",
    "failover_order = 2, colour = 3",
    "r-ems.toml:28: grids[0].controllers[1].colour: found an unknown key; allowed: `node`, `role`, `failover_order`",
  ],
  [
    "an id of the wrong form",
    `id = "dg1"`,
    `id = "DG 1"`,
    `r-ems.toml:31: grids[0].devices[0].id: found "DG 1"; allowed: 1 to 32 lower-case letters, digits and hyphens, a letter first`,
  ],
  [
    "a frequency that no grid has",
    "nominal_frequency_hz = 60",
    "nominal_frequency_hz = 16.7",
    "r-ems.toml:25: grids[0].nominal_frequency_hz: found 16.7; allowed: 50 or 60",
  ],
  [
    "a list that is too short",
    `breakers = [{ grid = "port", device = "btp" }, {`,
    "breakers = [{",
    "r-ems.toml:56: ties[0].breakers: found a list; allowed: a list of 2 to 2 entries",
  ],
  [
    "a text that is not TOML",
    `kind = "vessel"`,
    "kind = vessel",
    "r-ems.toml:4: found a text that is not TOML (invalid value); allowed: TOML 1.0, see toml.io",
  ],
];

const crossRows: [name: string, from: string, to: string, message: string][] = [
  [
    "two devices with one id",
    `id = "btp"`,
    `id = "dg1"`,
    `r-ems.toml:38: grids[0].devices[1].id: found "dg1" again; allowed: an id that no other device of the installation has`,
  ],
  [
    "two equal orders",
    "failover_order = 2",
    "failover_order = 1",
    "r-ems.toml:28: grids[0].controllers[1].failover_order: found 1 again; allowed: an order that no other controller of this grid has",
  ],
  [
    "a controller on an unknown node",
    `{ node = "n2", role = "standby"`,
    `{ node = "n3", role = "standby"`,
    `r-ems.toml:28: grids[0].controllers[1].node: found unknown node "n3"; allowed: did you mean "n1"? one of "n1", "n2"`,
  ],
  [
    "two controllers of a grid on one node",
    `{ node = "n2", role = "standby"`,
    `{ node = "n1", role = "standby"`,
    `r-ems.toml:28: grids[0].controllers[1].node: found "n1" again; allowed: one controller of a grid on each node`,
  ],
  [
    "two primaries",
    `role = "standby"`,
    `role = "primary"`,
    `r-ems.toml:26: grids[0].controllers: found 2 controllers with role "primary"; allowed: exactly one in each grid`,
  ],
  [
    "a primary that is not first",
    `failover_order = 1 },`,
    `failover_order = 3 },`,
    "r-ems.toml:27: grids[0].controllers[0].failover_order: found 3 for the primary; allowed: the lowest order of the grid; 2 stands elsewhere",
  ],
  [
    "two ports alike on one host",
    "http_port = 7402",
    "http_port = 7400",
    "r-ems.toml:13: nodes[0].http_port: found 127.0.0.1 port 7400 again; allowed: a port that nothing else of this host uses",
  ],
  [
    "two nodes in one data directory",
    "run/n2",
    "run/n1",
    `r-ems.toml:21: nodes[1].data_directory: found "run/n1" on 127.0.0.1 again; allowed: a directory that no other node of this host uses`,
  ],
  [
    "two devices at one address and unit",
    "port = 5021",
    "port = 5020",
    "r-ems.toml:42: grids[0].devices[1].port: found 127.0.0.1 port 5020 unit 1 again; allowed: an address and unit that no other device has",
  ],
  [
    "timings that break the promise",
    "[[grids.devices]]",
    "[grids.timings]\ngrace_ms = 110\n[[grids.devices]]",
    "r-ems.toml:31: grids[0].timings.grace_ms: found 110; allowed: at least lease_ms × 1.1 + 2 × clock_divergence_ms = 120.0",
  ],
  [
    "a stop limit above the start limit",
    "[[grids.devices]]",
    "[grids.power]\nstop_limit_pct = 90\n[[grids.devices]]",
    "r-ems.toml:31: grids[0].power.stop_limit_pct: found 90; allowed: less than start_limit_pct = 85",
  ],
  [
    "a fast start limit below the slow one",
    "[[grids.devices]]",
    "[grids.power]\nfast_start_limit_pct = 80\n[[grids.devices]]",
    "r-ems.toml:31: grids[0].power.fast_start_limit_pct: found 80; allowed: at least start_limit_pct = 85",
  ],
  [
    "an order of start without a genset",
    "[[grids.devices]]",
    "[grids.power]\nstart_order = []\n[[grids.devices]]",
    "r-ems.toml:31: grids[0].power.start_order: found no dg1; allowed: every genset of the grid",
  ],
  [
    "an order of start with a stranger",
    "[[grids.devices]]",
    `[grids.power]\nstart_order = ["dg1", "btp"]\n[[grids.devices]]`,
    `r-ems.toml:31: grids[0].power.start_order[1]: found "btp"; allowed: a genset of this grid: one of "dg1"`,
  ],
  [
    "a source without rating",
    "ratings = { power_kw = 1000 }",
    "",
    "r-ems.toml:30: grids[0].devices[0].ratings.power_kw: found 0; allowed: above 0 for kind genset",
  ],
  [
    "a trip stage for a genset",
    "ratings = { power_kw = 1000 }",
    "ratings = { power_kw = 1000 }\ntrip_stage = 1",
    "r-ems.toml:37: grids[0].devices[0].trip_stage: found 1; allowed: none: only feeders, thrusters and the charging of batteries are shed",
  ],
  [
    "an unknown profile",
    `"sim-epoch-genset"`,
    `"sim-epoch-gensett"`,
    `r-ems.toml:33: grids[0].devices[0].profile: found unknown profile "sim-epoch-gensett"; allowed: did you mean "sim-epoch-genset"? one of ${PROFILE_KINDS}`,
  ],
  [
    "a profile of another kind",
    `"sim-epoch-genset"`,
    `"sim-epoch-shore"`,
    `r-ems.toml:33: grids[0].devices[0].profile: found "sim-epoch-shore" of kind shore; allowed: a profile of kind genset`,
  ],
  [
    "a profile that cannot prove that it is simulated",
    `"sim-epoch-genset"`,
    `"real-genset"`,
    `r-ems.toml:33: grids[0].devices[0].profile: found "real-genset" without a signature; allowed: a profile with a signature in simulation: it proves that the device is simulated`,
  ],
  [
    "a profile for one master in a redundant grid",
    `"sim-epoch-genset"`,
    `"one-master"`,
    `r-ems.toml:33: grids[0].devices[0].profile: found "one-master" with masters_max = 1 and slot_release_ms = 30000; allowed: masters_max of 2 or more, or slot_release_ms of at most 1000, in a redundant grid`,
  ],
  [
    "a watchdog shorter than the longest takeover",
    `"sim-epoch-genset"`,
    `"short-watchdog"`,
    `r-ems.toml:33: grids[0].devices[0].profile: found "short-watchdog" with watchdog_ms = 3000; allowed: at least 3400 with the timings of grid port: solo_grace_ms + 3 × scan_ms + 500`,
  ],
  [
    "a profile without fallback",
    `"sim-epoch-genset"`,
    `"no-fallback"`,
    `r-ems.toml:33: grids[0].devices[0].profile: found "no-fallback" without fallback and watchdog; allowed: a profile that says what the device does without R-EMS`,
  ],
  [
    "a tie to an unknown grid",
    `{ grid = "starboard", device`,
    `{ grid = "starbord", device`,
    `r-ems.toml:56: ties[0].breakers[1].grid: found unknown grid "starbord"; allowed: did you mean "starboard"? one of "port", "starboard"`,
  ],
  [
    "a tie of something else than a bus-tie",
    `device = "btp"`,
    `device = "dg1"`,
    `r-ems.toml:56: ties[0].breakers[0].device: found "dg1"; allowed: a device of kind busTie in grid port: one of "btp"`,
  ],
  [
    "an embedded coordinator in no common process",
    `endpoints = ["127.0.0.1:7379"]`,
    "",
    "r-ems.toml:5: coordinator.endpoints: found an empty list; allowed: one host:port: several nodes need one record, not one each",
  ],
  [
    "etcd without members",
    `kind = "embedded"\nendpoints = ["127.0.0.1:7379"]`,
    `kind = "etcd"`,
    "r-ems.toml:5: coordinator.endpoints: found an empty list; allowed: host:port of each etcd member; three members in production",
  ],
  [
    "a node beyond loopback",
    `host = "127.0.0.1"\npeer_port = 7400`,
    `host = "10.0.0.1"\npeer_port = 7400`,
    `r-ems.toml:10: nodes[0].host: found "10.0.0.1"; allowed: ${NO_TLS}`,
  ],
];

const productionRows: [name: string, from: string, to: string, message: string][] = [
  [
    "an embedded coordinator with two nodes",
    `kind = "etcd"\nendpoints = ["127.0.0.1:2379"]`,
    `kind = "embedded"\n[[nodes]]\nid = "n2"\nhost = "127.0.0.1"\npeer_port = 7410\noperator_port = 7411\nhttp_port = 7412\ndata_directory = "run/n2"`,
    `r-ems.toml:6: coordinator.kind: found "embedded" with 2 nodes in production; allowed: "etcd": two nodes need a record that outlives either`,
  ],
  [
    "a simulated device",
    `host = "10.0.0.9"`,
    `host = "10.0.0.9"\nsimulated = true`,
    "r-ems.toml:25: grids[0].devices[0].simulated: found true; allowed: false in production",
  ],
  [
    "a profile of simulated devices",
    `"real-genset"`,
    `"sim-epoch-genset"`,
    `r-ems.toml:23: grids[0].devices[0].profile: found "sim-epoch-genset", a profile of simulated devices; allowed: a profile of a real device in production`,
  ],
  [
    "a coordinator in plain text beyond loopback",
    `"127.0.0.1:2379"`,
    `"10.0.0.5:2379"`,
    `r-ems.toml:7: coordinator.endpoints[0]: found "10.0.0.5:2379"; allowed: ${NO_TLS}`,
  ],
];

it("a server of the history names nodes that there are, and has an id of its own", () => {
  const server = (node: string) =>
    `\n[[history.servers]]\nid = "one"\nkind = "influxdb"\nurl = "http://127.0.0.1:8086"\nnodes = ["${node}"]\n`;
  expect(messages(`${GOOD}${server("n1")}`)).toEqual([]);
  const found = messages(`${GOOD}${server("n1")}${server("n9")}`).join("\n");
  expect(found).toMatch(/history\.servers\[1\]\.nodes\[0\]: found "n9"/);
  expect(found).toMatch(/history\.servers\[1\]\.id: found "?one"? again/);
});

describe("a manifest is rejected with one exact message for", () => {
  it.each(schemaRows)("%s", (_name, from, to, message) => {
    expect(messages(changed(GOOD, from, to))).toEqual([message]);
  });
  it.each(crossRows)("%s", (_name, from, to, message) => {
    expect(messages(changed(GOOD, from, to))).toContain(message);
  });
  it.each(productionRows)("%s, in production", (_name, from, to, message) => {
    expect(messages(changed(PRODUCTION, from, to))).toEqual([message]);
  });
});

describe("a manifest that is right", () => {
  it("has no problems, in simulation and in production", () => {
    expect(messages(GOOD)).toEqual([]);
    expect(messages(PRODUCTION)).toEqual([]);
  });

  it("observes in production and controls in simulation unless it says otherwise", () => {
    const [simulation, production] = [GOOD, PRODUCTION].map(
      (text) => checkManifestText(text, { path: "r-ems.toml", profiles }).manifest,
    );
    expect(simulation?.grids[0]).toMatchObject({ control: "control", timingSet: "default" });
    expect(simulation?.grids[0]?.devices[0]).toMatchObject({ isSimulated: true, isCritical: true });
    expect(production?.grids[0]).toMatchObject({ control: "observe", name: "port" });
    expect(production?.grids[0]?.devices[0]).toMatchObject({ isSimulated: false, port: 502 });
  });

  it("lays a grid's own timings over its set and puts controllers in failover order", () => {
    const text = changed(
      changed(
        GOOD,
        "failover_order = 2 },\n]",
        `failover_order = 2 },\n]\ntiming_set = "relaxed"\ntimings = { scan_ms = 200 }`,
      ),
      `  { node = "n1", role = "primary", failover_order = 1 },\n  { node = "n2", role = "standby", failover_order = 2 },`,
      `  { node = "n2", role = "standby", failover_order = 2 },\n  { node = "n1", role = "primary", failover_order = 1 },`,
    );
    const { manifest } = checkManifestText(text, { path: "r-ems.toml", profiles });
    expect(manifest?.grids[0]?.timings).toMatchObject({ scanMs: 200, leaseMs: 300, graceMs: 390 });
    expect(manifest?.grids[0]?.controllers.map(({ node }) => node)).toEqual(["n1", "n2"]);
  });

  it("accepts plain text beyond loopback where it says insecure", () => {
    const beyond = changed(
      GOOD,
      `host = "127.0.0.1"\npeer_port = 7400`,
      `host = "10.0.0.1"\npeer_port = 7400`,
    );
    expect(messages(`insecure = true\n${beyond}`)).toEqual([]);
  });
});

describe("all problems are shown at once", () => {
  it("of the schema and of the cross checks, without what only follows from a wrong field", () => {
    let text = changed(GOOD, "peer_port = 7400", "peer_port = 0");
    text = changed(text, `kind = "genset"`, `kind = "gensett"`);
    text = changed(text, "failover_order = 2", "failoverorder = 1");
    expect(messages(text).map((message) => message.split(";")[0])).toEqual([
      "r-ems.toml:11: nodes[0].peer_port: found 0",
      "r-ems.toml:28: grids[0].controllers[1].failoverorder: found an unknown key",
      `r-ems.toml:32: grids[0].devices[0].kind: found "gensett"`,
      "r-ems.toml:28: grids[0].controllers[1].failover_order: found 1 again",
    ]);
  });
});

describe("the loader never crashes", () => {
  const lines = vessel.split("\n");
  const check = (text: string) => {
    const { manifest, problems } = checkManifestText(text, { path: "r-ems.toml", profiles });
    expect(manifest === null).toBe(problems.length > 0);
    const count = text.split("\n").length;
    for (const { line } of problems) expect(line >= 1 && line <= count).toBe(true);
  };

  it("whatever line of a right manifest is replaced, doubled or lost", () => {
    const values = [
      "-0.0",
      "nan",
      "inf",
      "[]",
      "{}",
      '""',
      "1979-05-27T07:32:00Z",
      '"n1"',
      "true",
      "[[1], {a = 1}]",
      "0x10",
    ];
    const edit = fc.record({
      at: fc.nat(lines.length - 1),
      how: fc.constantFrom("drop", "double", "value", "swap"),
      value: fc.oneof(fc.constantFrom(...values), fc.string(), fc.integer().map(String)),
      other: fc.nat(lines.length - 1),
    });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const text = [...lines];
        for (const { at, how, value, other } of edits) {
          const line = text[at] ?? "";
          if (how === "drop") text[at] = "";
          else if (how === "double") text[at] = `${line}\n${line}`;
          else if (how === "swap") [text[at], text[other]] = [text[other] ?? "", line];
          else text[at] = line.replace(/=.*$/, () => `= ${value}`);
        }
        check(text.join("\n"));
      }),
      { numRuns: 400 },
    );
  }, 60_000);

  it("whatever characters are put into a right manifest", () => {
    fc.assert(
      fc.property(
        fc.nat(vessel.length),
        fc.nat(20),
        fc.string({ unit: "binary" }),
        (at, count, junk) => {
          check(vessel.slice(0, at) + junk + vessel.slice(at + count));
        },
      ),
      { numRuns: 300 },
    );
  }, 60_000);
});

describe("files", () => {
  const directory = mkdtempSync(join(tmpdir(), "r-ems-configs-"));
  afterAll(() => rmSync(directory, { recursive: true }));

  it.each(["vessel.toml", "land-battery.toml", "single.toml"])("%s loads", (name) => {
    const manifest = loadManifest(join(here, name));
    expect(manifest).toMatchObject({ mode: "simulation", installation: { id: name.slice(0, -5) } });
  });

  it("the vessel has two grids of two gensets, one tie, and n1 and n2 as leaders", () => {
    const { grids, ties } = loadManifest(join(here, "vessel.toml"));
    const orders = grids.map(({ controllers }) => controllers.map(({ node }) => node));
    expect(orders).toEqual([
      ["n1", "n2", "n3"],
      ["n2", "n1", "n3"],
    ]);
    expect(grids.map(({ power }) => power.startOrder)).toEqual([
      ["dg1", "dg2"],
      ["dg3", "dg4"],
    ]);
    expect(ties).toHaveLength(1);
  });

  it("a manifest that is not there is an error that says how to name one", () => {
    const path = join(directory, "absent.toml");
    expect(() => loadManifest(path)).toThrow(
      `There is no readable manifest at ${path} (ENOENT). Name one with --config, or set R_EMS_CONFIG_ROOT to the directory that holds r-ems.toml. [REMS_CONFIG_NOT_FOUND]`,
    );
  });

  it("problems of the manifest and of its own profiles stand in one message", () => {
    const path = join(directory, "r-ems.toml");
    writeFileSync(join(directory, "own.toml"), `id = "own"\n`);
    writeFileSync(
      path,
      `profile_directories = ["."]\n${changed(GOOD, "port = 5021", "port = 5020")}`,
    );
    const error = failureOf(() => loadManifest(path));
    expect(error.code).toBe("REMS_CONFIG_INVALID");
    expect(error.message).toContain(`${join(directory, "own.toml")}:1: kind: found nothing`);
    expect(error.message).toContain(
      `${path}:43: grids[0].devices[1].port: found 127.0.0.1 port 5020`,
    );
  });

  it.each([
    ["--config", "/a/b.toml", { R_EMS_CONFIG_ROOT: "/c" }, "/a/b.toml"],
    ["R_EMS_CONFIG_ROOT", undefined, { R_EMS_CONFIG_ROOT: "/c" }, "/c/r-ems.toml"],
    ["/etc", undefined, {}, "/etc/r-ems/r-ems.toml"],
    [
      "/etc where R_EMS_CONFIG_ROOT is empty",
      undefined,
      { R_EMS_CONFIG_ROOT: "" },
      "/etc/r-ems/r-ems.toml",
    ],
  ])("the manifest is found by %s", (_name, option, env, path) => {
    expect(findManifestPath(option, env)).toBe(path);
  });
});

function failureOf(run: () => unknown): RemsError {
  try {
    run();
  } catch (error) {
    if (error instanceof RemsError) return error;
  }
  throw new RemsError("REMS_REQUEST_INVALID", "the call was expected to fail with a RemsError");
}
