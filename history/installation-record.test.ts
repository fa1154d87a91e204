import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadManifest } from "../configs/load-manifest.ts";
import { readManifestSource } from "../configs/manifest-source.ts";
import { readInstallations } from "./installation-record.ts";
import { type InstallationRecord, keepInstallation } from "./keep-installation.ts";

const manifest = loadManifest(join(import.meta.dirname, "..", "configs", "single.toml"));
const grids = { site: { coreVersion: "1", manifestHash: "a" } };
const node = { node: "a", grids, logDirectory: "logs" };
const source = readManifestSource(manifest);
const recordOf = (version: string): InstallationRecord => ({
  ...node,
  version,
  nodeVersion: process.version,
  source,
  manifest,
});
let directory = "";

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "r-ems-installation-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("what a node ran with", () => {
  it("stands beside the journal once, however often the node starts", () => {
    const record = recordOf("1");
    keepInstallation(directory, record);
    keepInstallation(directory, record);
    const [only, ...others] = readInstallations(directory);
    expect(only).toEqual(JSON.parse(JSON.stringify(record)));
    expect(others).toEqual([]);
  });

  it("is bounded: the oldest go", () => {
    for (let i = 0; i < 30; i++) {
      keepInstallation(directory, recordOf(String(i)));
    }
    expect(readInstallations(directory)).toHaveLength(20);
  });

  it("is passed over where a file is damaged", () => {
    keepInstallation(directory, recordOf("1"));
    writeFileSync(
      join(directory, "installations", `installation-${"0".repeat(32)}.json`),
      '{"node":',
    );
    expect(readInstallations(directory)).toHaveLength(1);
  });

  it("is nothing in a directory that has none", () => {
    expect(readInstallations(directory)).toEqual([]);
  });
});
