import { expect, it } from "vitest";
import { present } from "../../kernel/assert.ts";
import { sealed } from "../world/seal.ts";
import { filesOf } from "./installation-files.ts";
import { parseScenarios } from "./scenario-file.ts";
import { ScenarioWorld, SETTLE_MS } from "./scenario-world.ts";

const SPEC = `
theme = "Takeover"
installation = "vessel"
[[scenarios]]
name = "set-synchronises"
text = "A set that runs is asked onto the busbar."
covers = ["takeover"]
seconds = 12
plant = { dg2 = { is_running = true, sync_s_min = 0.5 } }
table = """
0 | dg2 ask start |
"""`;

/**
 * The breaker has closed, the leader has read it and dies. Its successor probed the set up to a second ago and knows the breaker open; the
 * set does not answer for a while. With that old image it would ask the set once more to synchronise.
 */
it("a successor does not repeat a command whose effect only its predecessor has read", () => {
  const [spec] = parseScenarios(SPEC, "test.toml");
  const files = filesOf(present(spec, "one scenario"));
  const { recording, world } = sealed(() => {
    const scenario = new ScenarioWorld(files, 1);
    const { field } = scenario.world;
    const step = "dg2 syncing -> loading";
    let isStruck = false;
    const look = () => {
      if (!isStruck && scenario.recording.steps.some(({ text }) => text === step)) {
        isStruck = true;
        field.setFaults("dg2", { isSilent: true });
        scenario.perform({ text: "port kill", kind: "kill", subject: "port", forS: 8 });
        scenario.at(scenario.nowMs + 800, () => field.setFaults("dg2", { isSilent: false }));
      }
      scenario.at(scenario.nowMs + 20, look);
    };
    scenario.at(0, () => {
      for (const { inputs } of present(spec, "one scenario").rows)
        for (const input of inputs) scenario.perform(input);
    });
    scenario.at(20, look);
    scenario.world.run(SETTLE_MS + 7000);
    return scenario;
  });
  const lines = recording.lines.join("\n");
  expect(lines).toContain("its power is cut");
  expect(world.violation).toBeNull();
  const asked = recording.writes.filter(
    ({ device, kind, name }) => device === "dg2" && kind === "command" && name === "syncAndClose",
  );
  expect(asked).toHaveLength(1);
  expect(lines).not.toContain("loading -> runningOpen");
  expect(recording.countOf("dg2", "closes")).toBe(1);
}, 120_000);
