import { fieldSchema, namesOf, schemaAt } from "../../../configs/field-schema.ts";
import { manifestSchema } from "../../../configs/manifest-schema.ts";
import {
  gridOfDocument,
  isTable,
  type Table,
  tablesOf,
  textOf,
} from "../../../configs/setup/document.ts";
import { gridIds, idFrom } from "../../../configs/setup/propose.ts";
import type { StepId } from "../../../configs/setup/steps.ts";
import type { SetupWizard } from "../../../configs/setup/wizard.ts";
import { askDevices } from "./ask-devices.ts";
import type { Choice, Questions } from "./questions.ts";

type Ask = (wizard: SetupWizard, questions: Questions, signal: AbortSignal) => Promise<Table>;

const ID = /^[a-z][a-z0-9-]{0,31}$/;
const checkId = (text: string): string | null =>
  ID.test(text) ? null : "1 to 32 lower-case letters, digits and hyphens, a letter first";
const checkHost = (text: string): string | null =>
  /^[A-Za-z0-9._:-]{1,253}$/.test(text) ? null : "a host name or an IP address";

/** What each step asks on a terminal; each gives answers as the wizard takes them. */
export const ASK_STEP: Readonly<Record<Exclude<StepId, "review">, Ask>> = {
  installation: askInstallation,
  mode: askMode,
  nodes: askNodes,
  grids: askGrids,
  controllers: askControllers,
  devices: askDevices,
  timings: askTimings,
};

async function askInstallation(wizard: SetupWizard, questions: Questions): Promise<Table> {
  const proposal = wizard.propose("installation")["installation"];
  const known = isTable(proposal) ? proposal : {};
  const name = await questions.text("What is the vessel or site called?", {
    initial: textOf(known["name"]),
    check: (text) => (text.trim() === "" ? "a name, such as MV Anna" : null),
  });
  const before = textOf(known["name"]) === "" ? idFrom(name, "plant") : textOf(known["id"]);
  const id = await questions.text("Short name for records (cannot change later)", {
    initial: before,
    check: checkId,
  });
  const kind = await questions.choose(
    "What is it?",
    [
      { value: "vessel", label: "Vessel" },
      { value: "land", label: "Land site", hint: "grid-connected or islanded" },
    ],
    textOf(known["kind"]),
  );
  return { installation: { id, name, kind } };
}

async function askMode(wizard: SetupWizard, questions: Questions): Promise<Table> {
  const mode = await questions.choose(
    "Simulation or a real plant?",
    [
      { value: "simulation", label: "Simulation", hint: "only devices that prove to be simulated" },
      { value: "production", label: "Production", hint: "a real plant; begins by looking on" },
    ],
    textOf(wizard.propose("mode")["mode"]),
  );
  if (mode === "production") {
    questions.note(
      "Production starts in observe",
      "Everything is computed, explained and kept, and nothing is written to any device,\nuntil you set a grid to control yourself.",
    );
  }
  return { mode };
}

async function askNodes(wizard: SetupWizard, questions: Questions): Promise<Table> {
  const known = tablesOf(wizard.propose("nodes")["nodes"]);
  const count = await questions.number(
    "How many computers run R-EMS? Two or more make control redundant",
    known.length,
    1,
    16,
  );
  const nodes: Table[] = [];
  for (let index = 0; index < count; index++) {
    const before = known[index] ?? {};
    const id = await questions.text(`Node ${index + 1}: id`, {
      initial: textOf(before["id"]) || `n${index + 1}`,
      check: checkId,
    });
    const host = await questions.text(`Node ${id}: address at which the others reach it`, {
      initial: textOf(before["host"]) || "127.0.0.1",
      check: checkHost,
    });
    const isSameHost = before["host"] === host;
    nodes.push(isSameHost ? { ...before, id, host } : { id, host });
  }
  await askExposure(wizard, questions, nodes);
  wizard.keepPart("nodes", { nodes });
  const proposal = wizard.propose("nodes");
  const coordinator = isTable(proposal["coordinator"]) ? proposal["coordinator"] : {};
  const answers: Record<string, unknown> = { ...proposal };
  if (count > 1) answers["coordinator"] = await askCoordinator(questions, coordinator);
  const ids = nodes.map((node) => textOf(node["id"]));
  answers["this_node"] =
    ids.length === 1
      ? ids[0]
      : await questions.choose(
          "Which of them is this computer?",
          ids.map((id) => ({ value: id, label: id })),
          wizard.draft.thisNode || (ids[0] ?? ""),
        );
  return answers;
}

/** Beyond this machine there is no TLS yet: somebody must say that it is meant. */
async function askExposure(
  wizard: SetupWizard,
  questions: Questions,
  nodes: readonly Table[],
): Promise<void> {
  const far = nodes
    .map((node) => textOf(node["host"]))
    .filter((host) => !/^(127\.|localhost$|::1$)/.test(host));
  if (far.length === 0 || wizard.draft.document["insecure"] === true) return;
  const isMeant = await questions.confirm(
    `${far.join(", ")}: traffic between machines is not encrypted. Is this network closed to everybody else? (insecure = true, a standing alarm)`,
    false,
  );
  if (isMeant) wizard.answer("mode", { mode: wizard.draft.document["mode"], insecure: true });
}

async function askCoordinator(questions: Questions, known: Table): Promise<Table> {
  const kind = await questions.choose(
    "What do the nodes agree through?",
    [
      { value: "etcd", label: "etcd", hint: "three members, one of them off the controllers" },
      { value: "embedded", label: "embedded", hint: "for trying, not for production" },
    ],
    textOf(known["kind"]),
  );
  const endpoints = Array.isArray(known["endpoints"]) ? known["endpoints"].join(", ") : "";
  const text = await questions.text(
    kind === "etcd"
      ? "Addresses of its members, host:port with commas between"
      : "Its address, host:port",
    { initial: endpoints, placeholder: "10.0.0.1:2379, 10.0.0.2:2379, 10.0.0.3:2379" },
  );
  return {
    kind,
    endpoints: text
      .split(",")
      .map((one) => one.trim())
      .filter((one) => one !== ""),
  };
}

async function askGrids(wizard: SetupWizard, questions: Questions): Promise<Table> {
  const known = tablesOf(wizard.propose("grids")["grids"]);
  const count = await questions.number(
    "How many grids (switchboard sections with a busbar of their own)?",
    known.length,
    1,
    16,
  );
  const grids: Table[] = [];
  for (let index = 0; index < count; index++) {
    const before = known[index] ?? known[0] ?? {};
    const isKnown = known[index] !== undefined;
    const name = await questions.text(`Grid ${index + 1}: name`, {
      initial: isKnown ? textOf(before["name"]) : "",
      placeholder: "Port switchboard",
      check: (text) => (text.trim() === "" ? "a name" : null),
    });
    const id = await questions.text(`${name}: id`, {
      initial: isKnown ? textOf(before["id"]) : idFrom(name, `grid-${index + 1}`),
      check: checkId,
    });
    const voltage = await questions.number(
      `${name}: nominal line voltage, V`,
      Number(before["nominal_voltage_v"]),
      100,
      15_000,
    );
    const frequency = await questions.choose(
      `${name}: nominal frequency`,
      [
        { value: "50", label: "50 Hz" },
        { value: "60", label: "60 Hz" },
      ],
      String(before["nominal_frequency_hz"]),
    );
    grids.push({ id, name, nominal_voltage_v: voltage, nominal_frequency_hz: Number(frequency) });
  }
  return { grids };
}

async function askControllers(wizard: SetupWizard, questions: Questions): Promise<Table> {
  const proposed = tablesOf(wizard.propose("controllers")["grids"]);
  const lines = proposed.map(
    ({ id, controllers }) => `${textOf(id)}: ${controllersText(tablesOf(controllers))}`,
  );
  questions.note("Who controls what", lines.join("\n"));
  const nodes = tablesOf(wizard.draft.document["nodes"]).map((node) => textOf(node["id"]));
  const isGood = nodes.length === 1 || (await questions.confirm("Is this right?", true));
  const grids: Table[] = [];
  for (const grid of proposed) {
    const id = textOf(grid["id"]);
    const controllers = isGood ? grid["controllers"] : await askOrder(questions, id, nodes);
    const control = await askControl(wizard, questions, id, textOf(grid["control"]));
    grids.push({ id, controllers, control });
  }
  return { grids };
}

function controllersText(controllers: readonly Table[]): string {
  return [...controllers]
    .sort((a, b) => Number(a["failover_order"]) - Number(b["failover_order"]))
    .map(({ node, role }) => `${textOf(node)} (${textOf(role)})`)
    .join(", then ");
}

async function askOrder(
  questions: Questions,
  grid: string,
  nodes: readonly string[],
): Promise<Table[]> {
  const order: string[] = [];
  for (
    let left = [...nodes];
    left.length > 0;
    left = nodes.filter((node) => !order.includes(node))
  ) {
    const choices: Choice<string>[] = left.map((node) => ({ value: node, label: node }));
    if (order.length > 0) choices.push({ value: "", label: "nobody else" });
    const message =
      order.length === 0
        ? `${grid}: who leads?`
        : `${grid}: who takes over after ${order.join(", ")}?`;
    const chosen = await questions.choose(message, choices);
    if (chosen === "") break;
    order.push(chosen);
  }
  return order.map((node, rank) => ({
    node,
    role: rank === 0 ? "primary" : "standby",
    failover_order: rank + 1,
  }));
}

async function askControl(
  wizard: SetupWizard,
  questions: Questions,
  grid: string,
  known: string,
): Promise<string> {
  if (wizard.draft.document["mode"] !== "production") return known;
  return questions.choose(
    `${grid}: what may R-EMS do?`,
    [
      { value: "observe", label: "observe", hint: "compute, explain, write nothing: begin here" },
      { value: "advise", label: "advise", hint: "also propose to people" },
      { value: "control", label: "control", hint: "command devices" },
    ],
    known,
  );
}

/** Limits that are asked for one by one, with the words of the schema. */
const LIMITS = [
  "start_limit_pct",
  "start_delay_s",
  "fast_start_limit_pct",
  "fast_start_delay_s",
  "stop_limit_pct",
  "stop_delay_s",
  "minimum_run_s",
  "heavy_consumer_margin_kw",
  "ramp_pct_per_s",
] as const;

async function askTimings(wizard: SetupWizard, questions: Questions): Promise<Table> {
  const proposal = wizard.propose("timings");
  const shape = fieldSchema(manifestSchema);
  const sets = namesOf(schemaAt(shape, ["grids", 0, "timing_set"]));
  const hints: Readonly<Record<string, string>> = {
    fast: "dedicated machines with real-time priority",
    default: "ordinary machines of their own",
    relaxed: "virtual or busy hosts",
  };
  const grids: Table[] = [];
  for (const id of gridIds(wizard.draft.document)) {
    const known = tablesOf(proposal["grids"]).find((grid) => grid["id"] === id) ?? {};
    const timingSet = await questions.choose(
      `${id}: how fast may a standby take over?`,
      sets.map((set) => ({ value: set, label: set, hint: hints[set] ?? "" })),
      textOf(known["timing_set"]),
    );
    const power = isTable(known["power"]) ? { ...known["power"] } : {};
    const hasGensets = tablesOf(gridOfDocument(wizard.draft.document, id)["devices"]).some(
      ({ kind }) => kind === "genset",
    );
    if (
      hasGensets &&
      (await questions.confirm(`${id}: change the limits at which sets start and stop?`, false))
    ) {
      for (const key of LIMITS) {
        const at = schemaAt(shape, ["grids", 0, "power", key]);
        const message = `${at?.description ?? key} (${at?.unit ?? ""})`;
        const before = power[key] ?? at?.default;
        const value = await questions.number(
          message,
          Number(before),
          at?.minimum ?? 0,
          at?.maximum ?? 1_000_000,
        );
        if (value !== at?.default) power[key] = value;
        else delete power[key];
      }
    }
    grids.push({ id, timing_set: timingSet, ...(Object.keys(power).length > 0 ? { power } : {}) });
  }
  return { ...proposal, grids };
}
