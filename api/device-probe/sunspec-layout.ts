import type { DeviceProfile } from "../../configs/profile.ts";
import { textOf } from "../../drivers/modbus/outcome.ts";
import { findSunspecLayout } from "../../drivers/sunspec/find-layout.ts";
import { RemsError } from "../../kernel/errors.ts";
import type { DeviceLine } from "./device-line.ts";

/**
 * A profile with the registers of the device at hand. A SunSpec device is asked where it keeps what; every other profile says so
 * itself and is returned as it is.
 *
 * @throws {@link RemsError} `REMS_DEVICE_EXCEPTION` where the device cannot be used with the profile, `REMS_DEVICE_TIMEOUT` where it
 *   answers nothing.
 */
export async function profileAt(
  line: Pick<DeviceLine, "read" | "address">,
  unitId: number,
  profile: DeviceProfile,
): Promise<DeviceProfile> {
  if (profile.sunspec === null) return profile;
  const finder = findSunspecLayout(profile);
  let answerCount = 0;
  let lastText = "";
  let step = finder.next();
  while (step.done !== true) {
    const { address, count } = step.value;
    const { outcome } = await line.read(unitId, "holding", address, count);
    if (outcome.type === "data" || outcome.type === "exception") answerCount++;
    else lastText = textOf(outcome);
    step = finder.next(outcome.type === "data" ? outcome.words : null);
  }
  const where = `unit ${unitId} at ${line.address}`;
  if (typeof step.value !== "string") return step.value.profile;
  if (answerCount === 0) {
    throw new RemsError(
      "REMS_DEVICE_TIMEOUT",
      `${where} answers nothing (${lastText}); is the unit id right? r-emsctl device scan ${line.address} finds those that answer`,
    );
  }
  throw new RemsError("REMS_DEVICE_EXCEPTION", `${where} ${step.value}`);
}
