import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { present } from "../../kernel/assert.ts";
import { openBrowser } from "../support/browser.ts";
import { freePorts } from "../support/free-ports.ts";
import { useInstallation } from "./installation.ts";
import { inProject, Program } from "./program.ts";

/** From an empty directory to a plant that runs, in the browser alone: the wizard that a node without a manifest serves. */
const installation = useInstallation();
const SHOTS = inProject(".cache/web");
const SEEN_MS_MAX = 15_000;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  mkdirSync(SHOTS, { recursive: true });
  browser = await openBrowser();
  page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
}, 60_000);

afterAll(() => browser?.close());

const goOn = async (title: string): Promise<void> => {
  await page.getByRole("button", { name: "Check and go on" }).click();
  await page.getByRole("heading", { name: title, level: 1 }).waitFor({ timeout: SEEN_MS_MAX });
};

/** Devices of the shipped installation, with the ports that its manifest gives them. */
const DEVICES = [
  { id: "msb", kind: "meter", profile: "sim-plain-meter", port: 5320, nameplate: {} },
  {
    id: "q0",
    kind: "shore",
    profile: "sim-epoch-poi",
    port: 5321,
    nameplate: { "Power, kW": 200, "Apparent, kVA": 250 },
  },
  {
    id: "house",
    kind: "feeder",
    profile: "sim-plain-feeder",
    port: 5324,
    nameplate: { "Load, kW": 90 },
  },
] as const;

it(
  "from an empty directory to a running plant, and a reload half way loses nothing",
  { timeout: 120_000 },
  async () => {
    // A plant to set up: the devices of the shipped single installation, simulated.
    const manifest = await installation.manifest("single");
    const simulator = await installation.simulator(manifest);
    // The node goes on where its wizard was.
    const [httpPort = 0, peerPort = 0] = await freePorts(2);
    const root = join(installation.folder, "etc");
    const daemon = installation.keep(
      new Program(
        "r-emsd",
        process.execPath,
        [
          inProject("dist/apps/r-emsd/main.js"),
          "--http-port",
          String(httpPort),
          "--operator-port",
          "0",
          "--stop-with-stdin",
          "--no-stdout-log",
        ],
        { R_EMS_CONFIG_ROOT: root },
      ),
    );
    const saying = () => /(http:\S+)\/#\/setup, code ([\w-]+)/.exec(daemon.err.join("\n"));
    await daemon.until("the address of its wizard", () => saying() !== null, SEEN_MS_MAX);
    const [, address = "", code = ""] = present(saying(), "it says where its wizard is");

    await page.goto(`${address}/#/setup`);
    await page.getByLabel("Setup code").fill(code);
    await page.getByRole("button", { name: "Begin" }).click();
    await page.getByLabel(/^Name/).fill("Test site");
    await page.getByLabel(/^Id/).fill("test-site");
    await page.getByLabel(/^Kind/).selectOption("land");
    await goOn("Mode");
    await goOn("Nodes");
    await page.getByText("More", { exact: true }).first().click();
    await page.getByLabel(/^Peer port/).fill(String(peerPort));
    await goOn("Grids");
    // Whoever reloads goes on where the page was left.
    await page.reload();
    await page.getByRole("heading", { name: "Grids", level: 1 }).waitFor({ timeout: SEEN_MS_MAX });
    await goOn("Controllers");
    await goOn("Devices");
    await page.screenshot({ path: `${SHOTS}/setup-devices.png` });
    for (const { id, kind, profile, port, nameplate } of DEVICES) {
      await page.getByRole("button", { name: "Add device" }).click();
      const entry = page.getByRole("group", { name: /^Device/ }).last();
      await entry.getByLabel(/^Kind/).selectOption(kind);
      await entry.getByLabel(/^Id/).fill(id);
      await entry.getByLabel(/^Profile/).selectOption(profile);
      await entry.getByLabel(/^Host/).fill("127.0.0.1");
      await entry.getByLabel(/^Port/).fill(String(simulator.publicPort(port)));
      for (const [label, value] of Object.entries(nameplate)) {
        await entry.getByLabel(label).fill(String(value));
      }
    }
    const last = page.getByRole("group", { name: /^Device/ }).last();
    await last.getByRole("button", { name: "Read once" }).click();
    await last.getByText(/activePowerKw: /).waitFor({ timeout: SEEN_MS_MAX });
    await goOn("Timings and limits");
    await goOn("Review and save");
    await page.getByText("Everything fits.").waitFor({ timeout: SEEN_MS_MAX });
    await page.screenshot({ path: `${SHOTS}/setup-review.png` });
    await page.getByRole("button", { name: /^Save / }).click();

    // The same process goes on as the node, and the page becomes its application.
    await page.locator(".leads", { hasText: "n1" }).waitFor({ timeout: 30_000 });
    expect(existsSync(join(root, "r-ems.toml"))).toBe(true);
    const log = readFileSync(join(root, "setup.log"), "utf8").trim().split("\n");
    expect(log.length).toBeGreaterThanOrEqual(8);
    for (const line of log)
      expect(JSON.parse(line)).toMatchObject({ client: "web", outcome: "success" });
    await page.screenshot({ path: `${SHOTS}/setup-running.png` });
  },
);
