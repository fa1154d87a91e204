/**
 * What a node says over HTTP: the JSON form of `proto/rems/v1`, generated from it. All that this application assumes of a node, besides the
 * setup wizard (`setup-state.ts`).
 */
export type {
  Actor,
  Alarm,
  AlarmDefinition,
  AlarmRecord,
  ApplyConfigResponse,
  AuditRecord,
  ConfigChange,
  Device,
  DeviceStatus,
  EventRecord,
  Failover,
  GetConfigResponse,
  GetPositionResponse,
  GridConfiguration,
  GridEdits,
  GridStatus,
  IncidentEntry,
  Leadership,
  LeadershipMember,
  Machine,
  MachineState,
  MachineTransition,
  MoveResponse,
  OfferedArgument,
  OfferedCommand,
  PendingIncident,
  PointHistory,
  PredictedCommand,
  PreviewConfigResponse,
  Series,
  SettleConfigResponse,
  Transition,
} from "../../../proto/generated/rems-v1-json.ts";
export type {
  Argument as Value,
  GetStatusResponse as Status,
  GetTopologyResponse as Topology,
  Node as NodeInfo,
} from "../../../proto/generated/rems-v1-json.ts";

/** What a command, a handover or an act on alarms is answered with. */
export interface Reply {
  readonly isAccepted: boolean;
  readonly reason: string;
}
