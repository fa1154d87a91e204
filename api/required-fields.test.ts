import { expect, it } from "vitest";
import { StoreClient } from "../history/store/store-client.ts";
import { rems } from "../proto/generated/rems-v1.ts";
import { readApiModel } from "../scripts/api-model.ts";
import { alarmService } from "./alarm-service.ts";
import { createCommandDesk } from "./control-service.ts";
import { historyService } from "./history-service.ts";
import { inspectionService } from "./inspection-service.ts";
import { NodeView } from "./node-view.ts";
import type { Service, UnaryMethod } from "./service.ts";
import { leadingStatus, TestFrames, testManifest } from "./test-node.ts";

/** Something that is allowed in each field that must be given. */
const VALID: Readonly<Record<string, unknown>> = {
  requestId: "r1",
  grid: "port",
  actor: "port/dg1",
  address: "port/dg1",
  command: "start",
  action: rems.v1.AlarmAction.ALARM_ACTION_RESET,
  alarm: "all",
  machine: "genset",
  points: ["dg1.activePowerKw"],
  toMs: 1000,
  isolatedNode: "n3",
  reason: "it is switched off",
};

const view = new NodeView(testManifest, "n1", "0.1.0");
view.takeFrame(new TestFrames().first().text);
view.takeStatus("port", leadingStatus());
const desk = createCommandDesk(view, () => true);
const services: Readonly<Record<string, Service>> = {
  "rems.v1.InspectionService": inspectionService(view),
  "rems.v1.ControlService": desk.service,
  "rems.v1.AlarmService": alarmService(view, desk),
  "rems.v1.HistoryService": historyService(view, new StoreClient()),
};

const model = readApiModel();
const rows = model.services.flatMap(({ name, methods }) =>
  methods.flatMap((method) => {
    const fields = model.messages.get(method.input)?.fields.filter(({ isRequired }) => isRequired);
    const isHere = services[name] !== undefined;
    return isHere ? (fields ?? []).map((field) => [name, method, field] as const) : [];
  }),
);

it("finds the fields", () => {
  expect(rows.length).toBeGreaterThan(12);
});

it.each(
  rows.map(([service, method, field]) => [service, method.name, field.jsonName, method] as const),
)(
  "%s/%s without %s is refused, and the refusal names the field",
  async (service, name, missing, { input }) => {
    const answers = services[service]?.[name.charAt(0).toLowerCase() + name.slice(1)];
    const answer = (answers as UnaryMethod<object, object>).answer;
    const required = model.messages.get(input)?.fields.filter(({ isRequired }) => isRequired) ?? [];
    const fields = Object.fromEntries(
      required
        .filter(({ jsonName }) => jsonName !== missing)
        .map(({ jsonName }) => [jsonName, VALID[jsonName]]),
    );
    const type = rems.v1[input.slice("rems.v1.".length) as keyof typeof rems.v1] as unknown as {
      create(fields: object): object;
    };
    const asked = Promise.resolve().then(() =>
      answer(type.create({ ...fields, validateOnly: true })),
    );
    const field = required.find(({ jsonName }) => jsonName === missing)?.name;
    await expect(asked).rejects.toMatchObject({
      code: "REMS_REQUEST_INVALID",
      details: { field },
    });
  },
);
