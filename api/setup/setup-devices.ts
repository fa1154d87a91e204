import { z } from "zod";
import type { DeviceProfile } from "../../configs/profile.ts";
import { oneOf } from "../../configs/spelling.ts";
import { RemsError } from "../../kernel/errors.ts";
import { DeviceLine } from "../device-probe/device-line.ts";
import { judgePoints } from "../device-probe/judge-points.ts";
import { readPoints } from "../device-probe/read-points.ts";
import { scanDevice } from "../device-probe/scan-device.ts";
import { profileAt } from "../device-probe/sunspec-layout.ts";

/** At five requests a second: a client that wants more asks again, and shows how far it is. */
const UNIT_COUNT_MAX = 16;
const LOOK_MS_MAX = 60_000;
const host = z.string().regex(/^[A-Za-z0-9._:-]{1,253}$/);
const port = z.int().min(1).max(65_535);

export const scanSchema = z.object({
  host,
  port: port.default(502),
  unitIds: z.array(z.int().min(0).max(255)).min(1).max(UNIT_COUNT_MAX).default([1, 2, 3, 4, 5]),
  timeoutMs: z.int().min(50).max(5000).default(500),
});
export const testReadSchema = z.object({
  profile: z.string().max(64),
  host,
  port: port.default(502),
  unitId: z.int().min(0).max(255).default(1),
});

/** Looking at devices from the wizard: reads only, one look at a time, one connection each. */
export interface DeviceLook {
  scan(request: z.output<typeof scanSchema>): Promise<object>;
  testRead(request: z.output<typeof testReadSchema>): Promise<object>;
}

export function createDeviceLook(
  readProfiles: () => ReadonlyMap<string, DeviceProfile>,
  servedDevices: () => readonly {
    readonly host: string;
    readonly port: number;
    readonly device: string;
  }[],
): DeviceLook {
  let isLooking = false;
  const looking = async <T>(
    at: { readonly host: string; readonly port: number },
    timeoutMs: number,
    look: (line: DeviceLine) => Promise<T>,
  ): Promise<T> => {
    const served = servedDevices().find((one) => one.host === at.host && one.port === at.port);
    if (served !== undefined) {
      throw new RemsError(
        "REMS_REQUEST_REFUSED",
        `this node already talks to ${at.host}:${at.port} (${served.device}): look at that device instead of going past it`,
      );
    }
    if (isLooking) {
      throw new RemsError(
        "REMS_REQUEST_REFUSED",
        "another look at a device is under way; try again when it is over",
        { isRetryable: true },
      );
    }
    isLooking = true;
    const line = new DeviceLine({ ...at, timeoutMs, signal: AbortSignal.timeout(LOOK_MS_MAX) });
    try {
      return await look(line);
    } finally {
      isLooking = false;
      await line.close();
    }
  };

  return {
    scan: ({ unitIds, timeoutMs, ...at }) =>
      looking(at, timeoutMs, async (line) => {
        const { units, askedCount, isIdIgnored } = await scanDevice(
          line,
          unitIds,
          timeoutMs,
          () => {},
        );
        return { ...at, units, askedCount, isIdIgnored };
      }),
    testRead: ({ profile: id, unitId, ...at }) => {
      const profiles = readProfiles();
      const profile = profiles.get(id);
      if (profile === undefined) {
        throw new RemsError(
          "REMS_NOT_FOUND",
          `there is no profile "${id}"; ${oneOf(id, [...profiles.keys()])}`,
        );
      }
      if (profile.family === "mqtt") {
        throw new RemsError(
          "REMS_REQUEST_INVALID",
          `${id} is a profile of MQTT topics; only Modbus devices can be read once from here`,
        );
      }
      return looking(at, profile.requestTimeoutMs, async (line) => {
        const found = await profileAt(line, unitId, profile);
        const { readings, requestCount } = await readPoints(line, unitId, found, found.points);
        const judged = judgePoints(found, readings);
        return {
          ...at,
          unitId,
          profile: id,
          requestCount,
          isOk: judged.every(({ verdict }) => verdict === "ok" || verdict === "noValue"),
          points: judged.map(({ reading, verdict, finding }) => ({
            point: reading.mapping.point,
            value: reading.value,
            unit: reading.spec.unit,
            place: `${reading.table} ${reading.address}`,
            verdict,
            finding,
          })),
        };
      });
    },
  };
}
