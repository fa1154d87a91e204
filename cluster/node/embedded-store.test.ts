import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LeadershipRecord } from "../../kernel/record.ts";
import { openEmbeddedStore } from "./embedded-store.ts";

const n1 = { node: "n1", incarnation: "1".repeat(32) };
const nonce = (epoch: number) => epoch.toString(16).padStart(32, "0");
const record = (epoch: number): LeadershipRecord => ({
  epoch,
  leader: n1,
  inSync: [n1],
  order: ["n1"],
  nonce: nonce(epoch),
  plantTimeMsMax: epoch,
  issuedSequence: 0,
});
const create = { grid: "port", expectedRevision: 0, expectedNonce: null, record: record(1) };

describe("embedded store", () => {
  let directory: string;
  let file: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "r-ems-store-"));
    file = join(directory, "state", "coordinator.json");
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it("has after a restart what it had before, and never uses a revision twice", async () => {
    const before = await openEmbeddedStore(file);
    const created = await before.transact(create);
    expect(created).toEqual({ isApplied: true, stored: { revision: 1, record: record(1) } });
    await before.transact({ ...create, grid: "starboard" });

    const after = await openEmbeddedStore(file);
    expect(await after.read("port")).toEqual({ revision: 1, record: record(1) });
    const change = {
      grid: "port",
      expectedRevision: 1,
      expectedNonce: nonce(1),
      record: record(2),
    };
    expect((await after.transact(change)).stored.revision).toBe(3);
  });

  it("takes effect in the order of the calls, even when nobody waits", async () => {
    const store = await openEmbeddedStore(file);
    const [first, second, seen] = await Promise.all([
      store.transact(create),
      store.transact(create),
      store.read("port"),
    ]);
    expect([first.isApplied, second.isApplied]).toEqual([true, false]);
    expect(seen.revision).toBe(1);
  });

  it("refuses a file that it did not write, and leaves it as it is", async () => {
    await openEmbeddedStore(file);
    await writeFile(file, '{"revision":1}');
    await expect(openEmbeddedStore(file)).rejects.toThrow(
      expect.objectContaining({ code: "REMS_RECORD_INVALID", details: { file } }),
    );
    expect(await readFile(file, "utf8")).toBe('{"revision":1}');
  });

  it("says that a write failed, and goes on from the file when the disk is back", async () => {
    const store = await openEmbeddedStore(file);
    await store.transact(create);
    await rm(join(directory, "state"), { recursive: true });
    const change = {
      grid: "port",
      expectedRevision: 1,
      expectedNonce: nonce(1),
      record: record(2),
    };
    await expect(store.transact(change)).rejects.toThrow(
      expect.objectContaining({ code: "REMS_COORDINATOR_UNAVAILABLE" }),
    );
    // What is on disk counts: here the folder came back empty.
    await openEmbeddedStore(file);
    expect(await store.read("port")).toEqual({ revision: 0, record: null });
    expect((await store.transact(create)).isApplied).toBe(true);
  });

  it("reads a file of before it had two places, and gives it that form with the first change", async () => {
    const store = await openEmbeddedStore(file);
    await store.transact(create);
    const [, body = ""] = /^rems-records .*\n(\{.*\}\n)/.exec(await readFile(file, "utf8")) ?? [];
    await writeFile(file, body);
    const after = await openEmbeddedStore(file);
    expect(await after.read("port")).toEqual({ revision: 1, record: record(1) });
    await after.transact({ ...create, grid: "starboard" });
    expect((await (await openEmbeddedStore(file)).read("port")).revision).toBe(1);
  });

  it("takes no more of the disk than it has from its first change on: a full one does not stop it", async () => {
    const store = await openEmbeddedStore(file);
    await store.transact(create);
    const { size, ino } = await stat(file);
    let revision = 1;
    for (let epoch = 2; epoch < 40; epoch++) {
      const expectedNonce = nonce(epoch - 1);
      const change = {
        ...create,
        expectedRevision: revision,
        expectedNonce,
        record: record(epoch),
      };
      const { isApplied, stored } = await store.transact(change);
      expect(isApplied).toBe(true);
      ({ revision } = stored);
    }
    expect(await stat(file)).toMatchObject({ size, ino });
    expect(await readdir(join(directory, "state"))).toEqual(["coordinator.json"]);
    expect((await (await openEmbeddedStore(file)).read("port")).record?.epoch).toBe(39);
  });

  it("stands on the record before where the power fails in the middle of a change", async () => {
    const store = await openEmbeddedStore(file);
    await store.transact(create);
    const expectedNonce = nonce(1);
    const before = await readFile(file);
    await store.transact({ ...create, expectedRevision: 1, expectedNonce, record: record(2) });
    const after = await readFile(file);
    const from = after.length / 2;
    const end = from + after.subarray(from).indexOf(0);
    for (let cut = from; cut <= end; cut += 7) {
      await writeFile(file, Buffer.concat([after.subarray(0, cut), before.subarray(cut)]));
      const epoch = (await (await openEmbeddedStore(file)).read("port")).record?.epoch;
      expect(epoch).toBe(cut < end ? 1 : 2);
    }
  });
});
