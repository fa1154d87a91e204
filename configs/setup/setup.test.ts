import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "smol-toml";
import { afterEach, expect, it } from "vitest";
import { loadManifest } from "../load-manifest.ts";
import { loadProfiles } from "../load-profile.ts";
import { reviewSetup } from "./check-setup.ts";
import { type Table, takeAnswers } from "./document.ts";
import { manifestText } from "./manifest-text.ts";
import { idFrom } from "./propose.ts";
import { fieldsOf, SETUP_STEPS, STEP_IDS, stepOf } from "./steps.ts";
import { SetupWizard } from "./wizard.ts";
import { readNodeName } from "../manifest-path.ts";

const roots: string[] = [];
function newRoot(): string {
  const root = mkdtempSync(join(tmpdir(), "r-ems-setup-"));
  roots.push(root);
  return root;
}
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true });
});
const wizardAt = (root: string) => new SetupWizard({ root, client: "web", nowMs: () => 0 });

const feeder = {
  id: "f1",
  kind: "feeder",
  profile: "sim-plain-feeder",
  host: "127.0.0.1",
  port: 5020,
  ratings: { load_kw: 100 },
};

/** Answers every step with what it proposes, with `own` answers laid over. */
function answerAll(wizard: SetupWizard, own: Readonly<Record<string, Table>>): void {
  for (const step of STEP_IDS) {
    if (step === "review") continue;
    const outcome = wizard.answer(step, { ...wizard.propose(step), ...own[step] });
    expect([step, outcome.problems]).toEqual([step, []]);
  }
}

it("from nothing to a manifest by proposals alone, but for name and devices", () => {
  const root = newRoot();
  const wizard = wizardAt(root);
  answerAll(wizard, {
    installation: { installation: { id: "anna", name: "MV Anna", kind: "vessel" } },
    nodes: {
      ...wizard.propose("nodes"),
      nodes: [
        {
          id: "n1",
          host: "127.0.0.1",
          peer_port: 7400,
          operator_port: 7401,
          http_port: 7402,
          data_directory: "data/n1",
        },
      ],
      this_node: "n1",
    },
    devices: { grids: [{ id: "main", devices: [feeder] }] },
  });
  const saved = wizard.save();
  const manifest = loadManifest(saved.path);
  expect(manifest.installation).toEqual({ id: "anna", name: "MV Anna", kind: "vessel" });
  expect(manifest.grids[0]?.controllers).toEqual([
    { node: "n1", role: "primary", failoverOrder: 1 },
  ]);
  expect(readNodeName(saved.path)).toBe("n1");
  expect(saved.previousPath).toBeNull();
});

it("two nodes and two grids: primaries take turns, production observes and asks for etcd", () => {
  const wizard = wizardAt(newRoot());
  wizard.answer("installation", { installation: { id: "a", name: "A", kind: "vessel" } });
  wizard.answer("mode", { mode: "production" });
  wizard.answer("nodes", {
    nodes: [
      { id: "n1", host: "10.0.0.1" },
      { id: "n2", host: "10.0.0.2" },
    ],
  });
  const nodes = wizard.propose("nodes");
  expect(nodes).toMatchObject({
    nodes: [{ peer_port: 7400 }, { peer_port: 7400 }],
    coordinator: { kind: "etcd", endpoints: ["10.0.0.1:2379", "10.0.0.2:2379"] },
  });
  wizard.answer("nodes", nodes);
  wizard.answer("grids", { grids: [{ id: "port" }, { id: "starboard" }] });
  wizard.answer("grids", wizard.propose("grids"));
  const { grids } = wizard.propose("controllers") as { grids: Table[] };
  expect(grids.map(({ control }) => control)).toEqual(["observe", "observe"]);
  expect(grids.map(({ controllers }) => (controllers as Table[])[0]?.["node"])).toEqual([
    "n1",
    "n2",
  ]);
});

it("what is wrong is told in its step, kept all the same, and not saved", () => {
  const root = newRoot();
  const wizard = wizardAt(root);
  const outcome = wizard.answer("installation", { installation: { id: "Anna 1", kind: "boat" } });
  expect(outcome.isOk).toBe(false);
  expect(outcome.problems.map(({ path }) => path)).toEqual([
    "installation.id",
    "installation.kind",
  ]);
  expect(outcome.draft.document["installation"]).toEqual({ id: "Anna 1", kind: "boat" });
  expect(() => wizard.save()).toThrow(/REMS_CONFIG_INVALID/);
  const log = wizard.log(10);
  expect(log).toMatchObject([
    { step: "installation", outcome: "fault", client: "web" },
    { event: "setup.save", outcome: "fault" },
  ]);
});

it("a part of an answer is kept, and is no fault while the rest is being asked", () => {
  const root = newRoot();
  const wizard = wizardAt(root);
  wizard.keepPart("nodes", { nodes: [{ id: "n1" }] });
  expect(wizardAt(root).draft.document["nodes"]).toEqual([{ id: "n1" }]);
  expect(wizard.log(10)).toEqual([]);
});

it("an interruption half way loses nothing, and a second client that is behind is refused", () => {
  const root = newRoot();
  const first = wizardAt(root);
  first.answer("installation", { installation: { id: "anna", name: "", kind: "land" } });
  const second = wizardAt(root);
  expect(second.isResumed).toBe(true);
  expect(second.draft).toEqual(first.draft);
  expect(() => second.answer("mode", { mode: "simulation" }, 0)).toThrow(/changed elsewhere/);
  expect(second.answer("mode", { mode: "simulation" }, 1).draft.doneSteps).toEqual([
    "installation",
    "mode",
  ]);
});

it("a step sets nothing of another, and grids that go take their devices with them", () => {
  expect(() => takeAnswers({}, "mode", { nodes: [] })).toThrow(/does not set "nodes"/);
  expect(() => takeAnswers({}, "devices", { grids: [{ id: "x" }] })).toThrow(
    /there is no grid "x"/,
  );
  const before = takeAnswers({}, "grids", { grids: [{ id: "a" }, { id: "b" }] });
  const withDevices = takeAnswers(before, "devices", {
    grids: [{ id: "b", devices: [feeder], control: "control" }],
  });
  expect(withDevices["grids"]).toEqual([{ id: "a" }, { id: "b", devices: [feeder] }]);
  const after = takeAnswers(withDevices, "grids", { grids: [{ id: "b", name: "B" }] });
  expect(after["grids"]).toEqual([{ id: "b", name: "B", devices: [feeder] }]);
});

it.each(["vessel", "land-battery", "single"])(
  "the example %s goes through the wizard unchanged",
  (name) => {
    const path = new URL(`../${name}.toml`, import.meta.url).pathname;
    const document = parse(readFileSync(path, "utf8")) as Table;
    const review = reviewSetup(document, { path, profiles: loadProfiles() });
    expect(review.problems).toEqual([]);
    expect(review.manifest).toEqual(loadManifest(path));
    expect(parse(manifestText(document))).toEqual(document);
  },
);

it("a manifest is edited later, and what stood before is kept", () => {
  const root = newRoot();
  const wizard = wizardAt(root);
  answerAll(wizard, { devices: { grids: [{ id: "main", devices: [feeder] }] } });
  wizard.save();
  const later = wizardAt(root);
  expect(later.draft.isEdit).toBe(true);
  later.answer("installation", { installation: { id: "plant", name: "Renamed", kind: "vessel" } });
  const { previousPath } = later.save();
  expect(loadManifest(join(root, "r-ems.toml")).installation.name).toBe("Renamed");
  expect(readFileSync(previousPath ?? "", "utf8")).not.toContain("Renamed");
});

it("every field of every step is one of the manifest's schema", () => {
  for (const step of SETUP_STEPS) {
    const fields = fieldsOf(step);
    expect(fields.map(({ path }) => path)).toEqual([...step.fields, ...step.moreFields]);
    for (const { meaning, allowed } of fields) expect([meaning, allowed]).not.toContain("");
  }
  const frequency = fieldsOf(
    SETUP_STEPS[3] ?? { id: "grids", title: "", explains: "", fields: [], moreFields: [] },
  );
  expect(frequency.find(({ path }) => path.endsWith("_hz"))).toMatchObject({
    choices: [50, 60],
    type: "number",
  });
});

it("problems find their step", () => {
  expect(stepOf({ path: "grids[0].controllers[1].node" })).toBe("controllers");
  expect(stepOf({ path: "grids[2].nominal_voltage_v" })).toBe("grids");
  expect(stepOf({ path: "grids[0].power.stop_limit_pct" })).toBe("timings");
  expect(stepOf({ path: "coordinator.endpoints[0]" })).toBe("nodes");
  expect(idFrom("Motor vessel Änna 2!", "x")).toBe("motor-vessel-anna-2");
});
