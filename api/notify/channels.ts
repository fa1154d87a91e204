import { readFile } from "node:fs/promises";
import type { NotificationConfig } from "../../configs/manifest.ts";
import { RemsError } from "../../kernel/errors.ts";
import { mailOf, type NoticeBody } from "./notice.ts";

/** Delivers notices; rejects if any of them was not taken by the other side. */
export type Deliver = (bodies: readonly NoticeBody[]) => Promise<void>;

const DELIVER_MS_MAX = 10_000;
const CREDENTIALS_LENGTH_MAX = 1000;

/** Each delivery opens and closes its own connection: alarms are rare, and a connection that idles for weeks is seldom alive. */
export function channelOf(config: NotificationConfig): Deliver {
  switch (config.kind) {
    case "smtp":
      return (bodies) => deliverMail(config, bodies);
    case "webhook":
      return (bodies) => deliverToWebhook(config, bodies);
    case "mqtt":
      return (bodies) => deliverToBroker(config, bodies);
    default:
      return config.kind satisfies never;
  }
}

interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** Read anew for each delivery, so that a changed password needs no restart. */
async function credentialsOf({ credentialsFile }: NotificationConfig): Promise<Credentials | null> {
  if (credentialsFile === "") return null;
  const text = (await readFile(credentialsFile, "utf8")).slice(0, CREDENTIALS_LENGTH_MAX).trim();
  const at = text.indexOf(":");
  if (at < 1) {
    throw new RemsError(
      "REMS_CONFIG_INVALID",
      `${credentialsFile} does not hold user:password in one line`,
    );
  }
  return { user: text.slice(0, at), password: text.slice(at + 1) };
}

async function deliverMail(
  config: NotificationConfig,
  bodies: readonly NoticeBody[],
): Promise<void> {
  // Loaded where it is needed only: most nodes send no mail.
  const { createTransport } = await import("nodemailer");
  const credentials = await credentialsOf(config);
  const { hostname, port, protocol } = new URL(config.url);
  const isSecure = protocol === "smtps:";
  const transport = createTransport({
    host: hostname,
    port: port === "" ? (isSecure ? 465 : 587) : Number(port),
    secure: isSecure,
    ...(credentials === null
      ? {}
      : { auth: { user: credentials.user, pass: credentials.password } }),
    connectionTimeout: DELIVER_MS_MAX,
    greetingTimeout: DELIVER_MS_MAX,
    socketTimeout: DELIVER_MS_MAX,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    await transport.sendMail({
      from: config.from,
      to: [...config.to],
      ...mailOf(bodies),
      messageId: `<${(bodies[0]?.id ?? "").replaceAll(/[^\w.-]/g, ".")}@r-ems>`,
      headers: { "Auto-Submitted": "auto-generated" },
      priority: bodies.some(({ priority }) => priority === "high") ? "high" : "normal",
    });
  } finally {
    transport.close();
  }
}

async function deliverToWebhook(
  config: NotificationConfig,
  bodies: readonly NoticeBody[],
): Promise<void> {
  const credentials = await credentialsOf(config);
  const login =
    credentials === null
      ? {}
      : {
          authorization: `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString("base64")}`,
        };
  for (const body of bodies) {
    const response = await fetch(config.url, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": body.id, ...login },
      body: JSON.stringify(body),
      redirect: "error",
      signal: AbortSignal.timeout(DELIVER_MS_MAX),
    });
    await response.body?.cancel();
    if (!response.ok) {
      throw new RemsError("REMS_REQUEST_REFUSED", `${config.url} answered ${response.status}`);
    }
  }
}

async function deliverToBroker(
  config: NotificationConfig,
  bodies: readonly NoticeBody[],
): Promise<void> {
  const { connectAsync } = await import("mqtt");
  const credentials = await credentialsOf(config);
  const client = await connectAsync(config.url, {
    reconnectPeriod: 0,
    connectTimeout: DELIVER_MS_MAX,
    ...(credentials === null ? {} : { username: credentials.user, password: credentials.password }),
  });
  try {
    for (const body of bodies) {
      const topic = `${config.topic}/${body.grid}`;
      await within(client.publishAsync(topic, JSON.stringify(body), { qos: 1 }), config.url);
    }
  } finally {
    await client.endAsync(true);
  }
}

/** A broker that takes the message and never says so must not hold up the rest. */
function within<T>(promise: Promise<T>, url: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new RemsError("REMS_TIMEOUT", `${url} did not confirm in ${DELIVER_MS_MAX} ms`)),
      DELIVER_MS_MAX,
    );
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
