import { describe, expect, it } from "vitest";
import { OPERATOR_DESCRIPTOR_SET } from "./generated/operator-descriptors.ts";
import { rems } from "./generated/rems-v1.ts";
import { messageFromJson, messageToJson } from "./message-json.ts";
import { MessageSchemas } from "./message-schema.ts";

const schemas = new MessageSchemas(OPERATOR_DESCRIPTOR_SET);
const ours = schemas.messageNames().filter((name) => name.startsWith("rems.v1."));
const classOf = (name: string) =>
  rems.v1[name.slice("rems.v1.".length) as keyof typeof rems.v1] as unknown as {
    create(fields: object): object;
  };
const from = (type: string, json: unknown, isText = false) =>
  messageFromJson(schemas, `rems.v1.${type}`, json, isText);

it("finds the messages", () => {
  expect(ours.length).toBeGreaterThan(80);
});

it.each(ours)("%s has the same fields in its descriptor and in its code", (name) => {
  const instance = classOf(name).create({});
  for (const { jsonName } of schemas.fieldsOf(name)) expect(jsonName in instance).toBe(true);
});

describe("to JSON", () => {
  it("fields without presence are always there, the others where they are set", () => {
    const reading = rems.v1.PointReading.create({ point: "socPct", value: { number: 0 } });
    expect(messageToJson(schemas, "rems.v1.PointReading", reading)).toEqual({
      point: "socPct",
      refusal: "",
      value: { number: 0 },
      quality: "",
      unit: "",
      isLevel: false,
    });
  });

  it("enums are names, counters numbers, what is no number null", () => {
    const actor = rems.v1.Actor.create({ kind: rems.v1.ActorKind.ACTOR_KIND_LOCAL });
    expect(messageToJson(schemas, "rems.v1.Actor", actor)).toMatchObject({
      kind: "ACTOR_KIND_LOCAL",
    });
    const checkpoint = rems.v1.Checkpoint.decode(
      rems.v1.Checkpoint.encode(
        rems.v1.Checkpoint.create({ epoch: 3, sequence: 9_007_199_254_740_991 }),
      ).finish(),
    );
    expect(messageToJson(schemas, "rems.v1.Checkpoint", checkpoint)).toEqual({
      epoch: 3,
      sequence: 9_007_199_254_740_991,
      stateHash: "",
    });
    const history = rems.v1.PointHistory.create({
      mean: new Float64Array([1.5, Number.NaN]) as unknown as number[],
    });
    expect(messageToJson(schemas, "rems.v1.PointHistory", history)).toMatchObject({
      mean: [1.5, null],
    });
  });

  it("a sparse message leaves out what is empty, at every depth", () => {
    const response = rems.v1.WatchActorsResponse.create({
      actor: rems.v1.Actor.create({ address: "a", state: "ready" }),
    });
    expect(messageToJson(schemas, "rems.v1.WatchActorsResponse", response, true)).toEqual({
      actor: { address: "a", state: "ready" },
    });
  });
});

describe("from JSON", () => {
  it("takes both spellings, numbers as text, masks, maps and lists", () => {
    expect(
      from("WatchActorsRequest", {
        address_prefix: "grids",
        withContext: true,
        read_mask: "state, since_ms",
        updatesPerSecondMax: "2.5",
        filter: { kind: "ACTOR_KIND_LOCAL", machines: ["genset"] },
      }),
    ).toEqual({
      addressPrefix: "grids",
      withContext: true,
      readMask: { paths: ["state", "since_ms"] },
      updatesPerSecondMax: 2.5,
      filter: { kind: rems.v1.ActorKind.ACTOR_KIND_LOCAL, machines: ["genset"] },
    });
    expect(
      from("SendCommandRequest", { arguments: { powerKw: { number: 10 } }, expectedEpoch: "7" }),
    ).toEqual({ arguments: { powerKw: { number: 10 } }, expectedEpoch: 7 });
    expect(from("MoveRequest", { frames: -3 })).toEqual({ frames: -3 });
  });

  it("takes text of a query: flags, and one value where there may be several", () => {
    const query = { with_points: "true", device: "dg1" };
    expect(from("ListDevicesRequest", query, true)).toEqual({ withPoints: true, device: "dg1" });
    expect(from("QueryPointsRequest", { points: "dg1.activePowerKw" }, true)).toEqual({
      points: ["dg1.activePowerKw"],
    });
  });

  it.each([
    ["GetActorRequest", { adress: "x" }, "adress is not known; allowed is one of address"],
    ["GetStatusRequest", { a: 1 }, "a is not known; allowed is nothing: it takes no fields"],
    ["GetActorRequest", [], "the body is []; allowed is an object"],
    ["GetActorRequest", { address: 7 }, "address is 7; allowed is text of at most 4096 characters"],
    [
      "GetActorRequest",
      { address: "x".repeat(5000) },
      "allowed is text of at most 4096 characters",
    ],
    [
      "ListActorsRequest",
      { withContext: "true" },
      'withContext is "true"; allowed is true or false',
    ],
    ["ListActorsRequest", { pageSize: -1 }, "pageSize is -1; allowed is an integer of 0 or more"],
    ["ListActorsRequest", { pageSize: 2 ** 33 }, "allowed is an integer of 0 or more"],
    ["ListActorsRequest", { pageSize: null }, null],
    ["SendCommandRequest", { expectedEpoch: "1e400" }, "allowed is a number"],
    ["SendCommandRequest", { arguments: [] }, "arguments is []; allowed is an object"],
    ["SendCommandRequest", { arguments: { a: { colour: 1 } } }, "arguments.a.colour is not known"],
    [
      "WatchActorsRequest",
      { filter: { kind: "GREEN" } },
      'filter.kind is "GREEN"; allowed is one of ACTOR_KIND_UNSPECIFIED',
    ],
    [
      "WatchActorsRequest",
      { filter: { machines: "genset" } },
      'filter.machines is "genset"; allowed is a list',
    ],
    [
      "WatchActorsRequest",
      { filter: { machines: Array(2000).fill("a") } },
      "allowed is at most 1000 entries",
    ],
    [
      "WatchActorsRequest",
      { readMask: ["state"] },
      "allowed is names of fields, with commas between",
    ],
  ] as const)("%s %j", (type, json, problem) => {
    if (problem === null) expect(from(type, json)).toEqual({});
    else expect(() => from(type, json)).toThrow(problem);
  });
});
