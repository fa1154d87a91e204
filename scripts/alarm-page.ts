import { ALARMS, ALARM_CODES, type AlarmDefinition } from "../actors/alarms/catalogue.ts";

const HEAD = `---
ems_section: "07-resilience-fault-tolerance"
ems_subsection: "alarms"
ems_type: "reference"
ems_scope: "actors"
ems_description: "Every alarm with cause, consequence and action; how alarms live, are hidden, grouped and sent out."
ems_version: "0.1.0"
ems_owner: "r-ems maintainers"
---

# Alarms

An alarm tells an operator that something needs a person. R-EMS follows ISA-18.2 / IEC 62682. Alarms are part of each grid's replicated state: every node lists the same ones, one
situation is one alarm (with one id, \`epoch:sequence:index\`), and what an operator acknowledged stays acknowledged when another controller takes over.

\`\`\`
r-emsctl alarms                       # what stands or waits to be acknowledged
r-emsctl alarms --watch               # and what happens from now on
r-emsctl ack port/dg1 DEVICE_TRIPPED  # or: r-emsctl ack --all port
r-emsctl shelve port/dg1 STEP_OVERDUE --for 30m
r-emsctl alarm-help DEVICE_TRIPPED    # cause, consequence, action
\`\`\`

## Life of an alarm

\`\`\`mermaid
stateDiagram-v2
  [*] --> normal
  normal --> unacknowledged : condition holds for the on-delay
  unacknowledged --> acknowledged : acknowledge
  unacknowledged --> returnedUnacknowledged : condition over for the off-delay
  returnedUnacknowledged --> normal : acknowledge
  returnedUnacknowledged --> unacknowledged : condition again
  acknowledged --> normal : condition over
  unacknowledged --> latchedUnacknowledged : condition over (latched)
  acknowledged --> latchedAcknowledged : condition over (latched)
  latchedUnacknowledged --> latchedAcknowledged : acknowledge
  latchedAcknowledged --> normal : reset
\`\`\`

- **Low priority** asks nobody to acknowledge: it is normal again when its condition is over.
- **Escalation**: of medium priority and unacknowledged for five minutes becomes high, and is announced again.
- **Shelved**: hidden by an operator for a time, at most eight hours. **Out of service**: hidden for work at a device, with a reason, until returned. **Suppressed by design**: hidden while another alarm explains it.
  Hidden alarms are still evaluated, and come back as they are then.
- **First-out**: alarms of high priority within ten seconds of each other are one upset; each names the one that came first.
- **Flood**: more than ten alarms in ten minutes raise \`ALARM_FLOOD\`; then new ones below high priority are listed, but not sent out, until fewer than five came in ten minutes.
- **Chattering**: an off-delay keeps a condition that comes and goes one alarm.

Alarms of a node's own (\`actor\` is \`nodes/…\`) stand where no leader can record them: they are shown by that node alone and end by themselves.

What a node reports of itself (its disk, its database, a server that it misses) holds while it says so: a node that is gone says nothing any more, and after about three seconds its alarms end. \`REDUNDANCY_REDUCED\` stands instead. A cause that all grids share, as a coordinator that does not answer or messages that are not delivered, is told to one grid: the first of the node's that is led.

## Messages to people

\`[[notifications]]\` in the manifest sends alarms out by e-mail, webhook or MQTT ([manifest](../04-configuration/manifest.md)). The node that leads the grid sends; what was sent is part of the
replicated state, so the next leader does not send it again. If a leader dies between sending and recording that, the same message may go out twice, under the same id (\`Message-ID\`, \`id\`). A message that
cannot be delivered is tried again, with growing pauses up to a minute; after two minutes \`NOTIFICATION_FAILED\` stands. Hidden alarms, and quiet ones in a flood, are not sent.

## Catalogue
`;

function section(code: string, definition: AlarmDefinition): string {
  const { priority, cause, consequence, action, onDelayMs, offDelayMs } = definition;
  const notes = [
    `priority ${priority}`,
    ...(onDelayMs > 0 ? [`after ${onDelayMs / 1000} s`] : []),
    `over for ${offDelayMs / 1000} s before it ends`,
    ...(definition.isLatched ? ["latched"] : []),
    ...(definition.escalateAfterMs === null
      ? []
      : [`escalates after ${definition.escalateAfterMs / 60_000} min`]),
    ...(definition.suppressedBy.length === 0
      ? []
      : [`suppressed by ${definition.suppressedBy.join(", ")}`]),
  ];
  return `
### ${code}

${notes.join("; ")}

- Cause: ${cause}
- Consequence: ${consequence}
- Action: ${action}
`;
}

/** `docs/07-resilience/alarms.md` from the catalogue. */
export function alarmPage(): string {
  return (
    HEAD +
    ALARM_CODES.toSorted()
      .map((code) => section(code, ALARMS[code]))
      .join("")
  );
}
