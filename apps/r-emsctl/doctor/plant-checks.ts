import { connect } from "node:net";
import { InspectionService, rems, type Types } from "../../../proto/generated/rems-v1.ts";
import { OperatorClient, OperatorRefusal } from "../operator-client.ts";
import { failed, type Finding, ok, type Patient, warning } from "./finding.ts";

type Status = Types.rems.v1.GetStatusResponse;

/** What a node says of itself; null where none answers. */
export async function nodeAt(address: string, timeoutMs: number): Promise<Status | null> {
  const client = new OperatorClient(address, timeoutMs);
  try {
    return await client.call(InspectionService.getStatus, rems.v1.GetStatusRequest.create());
  } catch (error) {
    if (error instanceof OperatorRefusal) return null;
    throw error;
  } finally {
    client.close();
  }
}

/** Each node, whether it answers, leads or stands by in sync, and which alarms stand. */
export async function checkNodes(
  patient: Patient,
): Promise<{ readonly findings: Finding[]; readonly statuses: readonly Status[] }> {
  const { manifest, timeoutMs, told } = patient;
  const findings: Finding[] = [];
  const statuses: Status[] = [];
  for (const node of manifest.nodes) {
    const address = `${node.host}:${node.operatorPort}`;
    told(`node ${node.id} at ${address}`);
    const status = await nodeAt(address, timeoutMs);
    if (status === null) {
      findings.push(
        warning(
          `node ${node.id}`,
          `does not answer at ${address}`,
          "start r-emsd there, or see its log: r-emsctl logs",
        ),
      );
      continue;
    }
    statuses.push(status);
    if (status.installation !== manifest.installation.name) {
      findings.push(
        failed(
          `node ${node.id}`,
          `belongs to ${status.installation}`,
          "another installation runs at this address: name the right manifest with --config",
        ),
      );
      continue;
    }
    const out = status.grids.filter(
      ({ inSync, leader }) => leader !== node.id && !(inSync ?? []).includes(node.id),
    );
    findings.push(
      out.length === 0
        ? ok(
            `node ${node.id}`,
            status.grids
              .map(({ grid, leader }) => `${grid} ${leader === node.id ? "leads" : "in sync"}`)
              .join(", "),
          )
        : warning(
            `node ${node.id}`,
            `not in sync: ${out.map(({ grid }) => grid).join(", ")}`,
            "see why: r-emsctl why nodes/" + node.id,
          ),
    );
  }
  const [view] = statuses;
  for (const { grid, leader, alarms } of view?.grids ?? []) {
    if (!leader)
      findings.push(
        failed(`grid ${grid}`, "nobody leads it", "r-emsctl status on each of its nodes"),
      );
    else if ((alarms ?? []).length > 0) {
      const list = (alarms ?? []).map(({ code }) => code).join(", ");
      findings.push(
        warning(`grid ${grid}`, `led by ${leader}; alarms: ${list}`, `r-emsctl alarms ${grid}`),
      );
    } else findings.push(ok(`grid ${grid}`, `led by ${leader}, no alarms`));
  }
  return { findings, statuses };
}

/** Devices: as the node sees them that serves them, else whether anything listens at their address. */
export async function checkDevices(
  patient: Patient,
  statuses: readonly Status[],
): Promise<Finding[]> {
  const { manifest, told } = patient;
  const served = new Map<string, string>();
  for (const status of statuses) {
    for (const { leader, devices } of status.grids) {
      if (leader !== status.node) continue;
      for (const { device, connection } of devices ?? [])
        served.set(device ?? "", connection ?? "");
    }
  }
  const findings: Finding[] = [];
  for (const device of manifest.grids.flatMap(({ devices }) => devices)) {
    const check = `device ${device.id}`;
    const connection = served.get(device.id);
    if (connection !== undefined) {
      const isGood = connection === "online" || connection === "maintenance";
      findings.push(
        isGood
          ? ok(check, `${connection}, through the node`)
          : failed(check, `${connection}, through the node`, `r-emsctl why ${device.id}`),
      );
      continue;
    }
    if (device.isInMaintenance) findings.push(ok(check, "maintenance"));
    else if (device.transport === "rtu")
      findings.push(ok(check, `on ${device.serial?.path ?? "a serial line"}: not tried`));
    else {
      told(`${check} at ${device.host}:${device.port}`);
      findings.push(await checkReach(check, device.host, device.port, patient.timeoutMs));
    }
  }
  return findings;
}

function checkReach(
  check: string,
  host: string,
  port: number,
  timeoutMs: number,
): Promise<Finding> {
  return new Promise((resolve) => {
    const startedMs = performance.now();
    const socket = connect({ host, port, timeout: Math.min(timeoutMs, 3000) });
    const end = (finding: Finding): void => {
      socket.destroy();
      resolve(finding);
    };
    const advice = "check its power, the network, and host and port in the manifest";
    socket.once("connect", () =>
      end(
        ok(
          check,
          `takes connections after ${Math.round(performance.now() - startedMs)} ms; r-emsctl device check reads it`,
        ),
      ),
    );
    socket.once("timeout", () => end(failed(check, `${host}:${port} is silent`, advice)));
    socket.once("error", (error: NodeJS.ErrnoException) =>
      end(failed(check, `${host}:${port}: ${error.code ?? error.message}`, advice)),
    );
  });
}
