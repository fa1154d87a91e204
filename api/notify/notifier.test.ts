import { createServer, type Server } from "node:http";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Aedes } from "aedes";
import { SMTPServer } from "smtp-server";
import { afterEach, describe, expect, it } from "vitest";
import type { NotificationConfig } from "../../configs/manifest.ts";
import type { AlarmEntry } from "../../kernel/alarm.ts";
import { channelOf, type Deliver } from "./channels.ts";
import { bodyOf, noticesDue, type NoticeBody } from "./notice.ts";
import { Notifier } from "./notifier.ts";

const sender = {
  installation: "MV Example",
  installationId: "vessel",
  isSimulation: true,
  node: "n1",
};

const channel = (changes: Partial<NotificationConfig> = {}): NotificationConfig => ({
  id: "watch",
  kind: "webhook",
  url: "http://127.0.0.1:1",
  from: "r-ems@vessel.example",
  to: ["watch@vessel.example"],
  topic: "r-ems/alarms",
  priorityMin: "high",
  grids: [],
  isReturnTold: false,
  credentialsFile: "",
  ...changes,
});

const alarm = (changes: Partial<AlarmEntry> = {}): AlarmEntry => ({
  id: "3:120:0",
  actor: "grids/port",
  code: "BLACKOUT",
  priority: "high",
  text: "the busbar is dead",
  isActive: true,
  state: "unacknowledged",
  raisedMs: 1000,
  raisedWallMs: 1_700_000_000_000,
  raisedCount: 1,
  overSinceMs: null,
  escalatedMs: null,
  acknowledgedBy: "",
  shelvedUntilMs: null,
  shelvedBy: "",
  suppressedBy: "",
  outOfServiceBy: "",
  firstOut: "",
  isQuiet: false,
  notified: [],
  ...changes,
});

describe("what is due", () => {
  const rows: [name: string, Partial<NotificationConfig>, Partial<AlarmEntry>, string[]][] = [
    ["an alarm that nobody has seen", {}, {}, ["raised"]],
    ["not one that was told", {}, { notified: ["watch:raised"] }, []],
    ["one that another channel told", {}, { notified: ["mail:raised"] }, ["raised"]],
    ["not one of less priority", {}, { priority: "medium" }, []],
    [
      "one of a lower least priority",
      { priorityMin: "medium" },
      { priority: "medium" },
      ["raised"],
    ],
    ["not one that was acknowledged", {}, { state: "acknowledged" }, []],
    ["not a shelved one", {}, { shelvedUntilMs: 9e9 }, []],
    ["not what another explains", {}, { suppressedBy: "BLACKOUT" }, []],
    ["not a quiet one of a flood", {}, { isQuiet: true }, []],
    ["not one of another grid", { grids: ["starboard"] }, {}, []],
    [
      "escalation, once it was told as raised",
      {},
      { escalatedMs: 1, notified: ["watch:raised"] },
      ["escalated"],
    ],
    ["not a return, unless wanted", {}, { isActive: false, notified: ["watch:raised"] }, []],
    [
      "a return",
      { isReturnTold: true },
      { isActive: false, state: "returnedUnacknowledged", notified: ["watch:raised"] },
      ["returned"],
    ],
  ];
  it.each(rows)("%s", (_name, config, entry, expected) => {
    const due = noticesDue(channel(config), "port", [alarm(entry)]);
    expect(due.map(({ event }) => event)).toEqual(expected);
  });
});

/** A grid that remembers as the core does, and a clock. */
function bench(config: Partial<NotificationConfig>, deliver: Deliver) {
  const remembered: string[] = [];
  const health: boolean[] = [];
  const state = { alarms: [alarm()], isLed: true, canRemember: true };
  const notifier = new Notifier({
    channels: [{ config: channel(config), deliver }],
    sender,
    ledAlarms: () => (state.isLed ? new Map([["port", state.alarms]]) : new Map()),
    remember(_grid, id, notice) {
      if (!state.canRemember) return Promise.reject(new RangeError("no leader"));
      remembered.push(notice);
      state.alarms = state.alarms.map((entry) =>
        entry.id === id ? { ...entry, notified: [...entry.notified, notice] } : entry,
      );
      return Promise.resolve();
    },
    onFailedChanged: (isFailed) => void health.push(isFailed),
  });
  return { notifier, state, remembered, health };
}

describe("the notifier", () => {
  it("sends once, and has the grid remember it", async () => {
    const sent: NoticeBody[] = [];
    const { notifier, remembered } = bench({}, (bodies) => {
      sent.push(...bodies);
      return Promise.resolve();
    });
    for (let nowMs = 0; nowMs < 5000; nowMs += 1000) await notifier.tick(nowMs);
    expect(sent.map(({ id }) => id)).toEqual(["vessel/port/3:120:0/raised"]);
    expect(remembered).toEqual(["watch:raised"]);
  });

  it("does not send again what it could not have remembered yet", async () => {
    let count = 0;
    const { notifier, state, remembered } = bench({}, () => {
      count += 1;
      return Promise.resolve();
    });
    state.canRemember = false;
    await notifier.tick(0);
    await notifier.tick(1000);
    state.canRemember = true;
    await notifier.tick(2000);
    expect([count, remembered]).toEqual([1, ["watch:raised"]]);
  });

  it("leaves it to the leader", async () => {
    let count = 0;
    const { notifier, state } = bench({}, () => Promise.resolve(void (count += 1)));
    state.isLed = false;
    await notifier.tick(0);
    expect(count).toBe(0);
  });

  it("tells the return of an alarm that is gone at once", async () => {
    const events: string[] = [];
    const { notifier, state } = bench({ isReturnTold: true }, (bodies) => {
      events.push(...bodies.map(({ event }) => event));
      return Promise.resolve();
    });
    await notifier.tick(0);
    await notifier.tick(1000);
    state.alarms = [];
    await notifier.tick(2000);
    await notifier.tick(3000);
    expect(events).toEqual(["raised", "returned"]);
  });

  it("tries again with growing pauses; two minutes without success are an alarm, success ends it", async () => {
    const triedAtMs: number[] = [];
    let isBroken = true;
    let nowMs = 0;
    const { notifier, health } = bench({}, () => {
      triedAtMs.push(nowMs);
      return isBroken ? Promise.reject(new RangeError("refused")) : Promise.resolve();
    });
    for (; nowMs <= 130_000; nowMs += 1000) await notifier.tick(nowMs);
    expect(triedAtMs).toEqual([0, 1000, 3000, 7000, 15_000, 31_000, 63_000, 123_000]);
    expect(health).toEqual([true]);
    isBroken = false;
    for (; nowMs <= 190_000; nowMs += 1000) await notifier.tick(nowMs);
    expect(health).toEqual([true, false]);
  });
});

describe("a message arrives", () => {
  const closers: (() => Promise<void> | void)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });
  const body = bodyOf({ grid: "port", alarm: alarm(), event: "raised" }, sender);

  function credentials(): string {
    const directory = mkdtempSync(join(tmpdir(), "r-ems-notify-"));
    closers.push(() => rmSync(directory, { recursive: true }));
    const file = join(directory, "credentials");
    writeFileSync(file, "anna:se:cret\n");
    return file;
  }

  async function mailServer(): Promise<{ readonly url: string; readonly mails: string[] }> {
    const mails: string[] = [];
    const server = new SMTPServer({
      authOptional: true,
      allowInsecureAuth: true,
      disabledCommands: ["STARTTLS"],
      onAuth: ({ username, password }, _session, done) =>
        username === "anna" && password === "se:cret"
          ? done(null, { user: username })
          : done(new Error("wrong")),
      onData(stream, session, done) {
        let text = `AUTH ${String(session.user)}\nTO ${session.envelope.rcptTo.map(({ address }) => address).join(" ")}\n`;
        stream.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
        stream.on("end", () => {
          mails.push(text);
          done();
        });
      },
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closers.push(() => new Promise((resolve) => server.close(() => resolve())));
    const { port } = server.server.address() as AddressInfo;
    return { url: `smtp://127.0.0.1:${port}`, mails };
  }

  it("by e-mail, several as one, with what to do in it", async () => {
    const { url, mails } = await mailServer();
    const deliver = channelOf(
      channel({
        kind: "smtp",
        url,
        to: ["a@x.example", "b@x.example"],
        credentialsFile: credentials(),
      }),
    );
    await deliver([body, { ...body, code: "OVERLOAD", id: "vessel/port/3:121:0/raised" }]);
    expect(mails).toHaveLength(1);
    const [mail = ""] = mails;
    expect(mail).toContain("AUTH anna\nTO a@x.example b@x.example\n");
    expect(mail.replaceAll(/\r\n\s/g, " ")).toContain(
      "Subject: [R-EMS SIMULATION MV Example] ALARM BLACKOUT port: the busbar is dead (and 1 more)",
    );
    expect(mail).toContain("Message-ID: <vessel.port.3.120.0.raised@r-ems>");
    expect(mail).toMatch(/action +See which alarm came first/);
    expect(mail).toContain("OVERLOAD");
  });

  it("or the mail server says no, and that is an error", async () => {
    const { url } = await mailServer();
    const file = credentials();
    writeFileSync(file, "anna:wrong");
    const deliver = channelOf(channel({ kind: "smtp", url, credentialsFile: file }));
    await expect(deliver([body])).rejects.toThrow(/login/i);
    writeFileSync(file, "nobody");
    await expect(deliver([body])).rejects.toThrow(/user:password in one line/);
  });

  it("by webhook, with a key that tells repetitions; another answer than 2xx is an error", async () => {
    const seen: { key: unknown; login: unknown; text: string }[] = [];
    let status = 200;
    const server: Server = createServer((request, response) => {
      let text = "";
      request.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
      request.on("end", () => {
        const { "idempotency-key": key, authorization: login } = request.headers;
        seen.push({ key, login, text });
        response.writeHead(status).end("ok");
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closers.push(() => new Promise((resolve) => server.close(() => resolve())));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
    const deliver = channelOf(channel({ url, credentialsFile: credentials() }));
    await deliver([body]);
    expect(seen[0]?.key).toBe("vessel/port/3:120:0/raised");
    expect(seen[0]?.login).toBe(`Basic ${Buffer.from("anna:se:cret").toString("base64")}`);
    expect(JSON.parse(seen[0]?.text ?? "")).toMatchObject({
      code: "BLACKOUT",
      isSimulation: true,
      raisedAt: "2023-11-14T22:13:20.000Z",
    });
    status = 503;
    await expect(deliver([body])).rejects.toThrow(/answered 503/);
  });

  it("by MQTT, confirmed by the broker; nobody there is an error", async () => {
    const broker = await Aedes.createBroker();
    const server = createTcpServer(broker.handle);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closers.push(
      () => new Promise((resolve) => server.close(() => resolve())),
      () => new Promise((resolve) => broker.close(() => resolve())),
    );
    const published: { topic: string; text: string }[] = [];
    broker.on("publish", (packet, client) => {
      if (client !== null) published.push({ topic: packet.topic, text: String(packet.payload) });
    });
    const { port } = server.address() as AddressInfo;
    await channelOf(channel({ kind: "mqtt", url: `mqtt://127.0.0.1:${port}` }))([body]);
    expect(published.map(({ topic }) => topic)).toEqual(["r-ems/alarms/port"]);
    expect(JSON.parse(published[0]?.text ?? "")).toMatchObject({ code: "BLACKOUT", node: "n1" });
    await expect(
      channelOf(channel({ kind: "mqtt", url: "mqtt://127.0.0.1:1" }))([body]),
    ).rejects.toThrow();
  });
});
