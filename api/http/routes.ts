/** Where HTTP answers what a method of gRPC answers: one request, one response, one validation. */
export interface Route {
  readonly method: "GET" | "POST";
  /** After `/api/v1`. A part `:name` is the request's field of that name; `*` is `wildcard`. */
  readonly path: string;
  /** Field that the rest of the path is. */
  readonly wildcard?: string;
  /** Full name of the method. */
  readonly rpc: string;
  /** Field whose own fields stand in the query directly. */
  readonly flatten?: string;
  /** Heading under which the document lists it. */
  readonly tag: string;
}

const INSPECTION = "rems.v1.InspectionService";
const ALARM = "rems.v1.AlarmService";
const HISTORY = "rems.v1.HistoryService";
const CONTROL = "rems.v1.ControlService";
const REPLAY = "rems.v1.ReplayService";
const INCIDENT = "rems.v1.IncidentService";
const CONFIG = "rems.v1.ConfigService";

export const API_PREFIX = "/api/v1";

export const ROUTES: readonly Route[] = [
  { method: "GET", path: "/status", rpc: `${INSPECTION}/GetStatus`, tag: "Plant" },
  { method: "GET", path: "/topology", rpc: `${INSPECTION}/GetTopology`, tag: "Plant" },
  { method: "GET", path: "/devices", rpc: `${INSPECTION}/ListDevices`, tag: "Plant" },
  { method: "GET", path: "/devices/:device", rpc: `${INSPECTION}/ListDevices`, tag: "Plant" },
  { method: "GET", path: "/nodes", rpc: `${INSPECTION}/ListNodes`, tag: "Controllers" },
  {
    method: "GET",
    path: "/grids/:grid/leadership",
    rpc: `${INSPECTION}/GetLeadership`,
    tag: "Controllers",
  },
  {
    method: "POST",
    path: "/grids/:grid/transfer",
    rpc: `${CONTROL}/TransferLeadership`,
    tag: "Controllers",
  },
  {
    method: "POST",
    path: "/grids/:grid/force",
    rpc: `${CONTROL}/ForceLeadership`,
    tag: "Controllers",
  },
  { method: "GET", path: "/actors", rpc: `${INSPECTION}/ListActors`, tag: "Actors" },
  {
    method: "GET",
    path: "/actors/*",
    wildcard: "address",
    rpc: `${INSPECTION}/GetActor`,
    tag: "Actors",
  },
  { method: "GET", path: "/why/*", wildcard: "address", rpc: `${INSPECTION}/Why`, tag: "Actors" },
  { method: "GET", path: "/machines", rpc: `${INSPECTION}/ListMachines`, tag: "Actors" },
  { method: "GET", path: "/machines/:machine", rpc: `${INSPECTION}/GetMachine`, tag: "Actors" },
  { method: "POST", path: "/commands", rpc: `${CONTROL}/SendCommand`, tag: "Commands" },
  { method: "GET", path: "/alarms", rpc: `${ALARM}/ListAlarms`, tag: "Alarms" },
  { method: "POST", path: "/alarms/act", rpc: `${ALARM}/ActOnAlarms`, tag: "Alarms" },
  {
    method: "GET",
    path: "/alarm-definitions",
    rpc: `${ALARM}/ListAlarmDefinitions`,
    tag: "Alarms",
  },
  { method: "GET", path: "/history/series", rpc: `${HISTORY}/ListSeries`, tag: "History" },
  { method: "GET", path: "/history/points", rpc: `${HISTORY}/QueryPoints`, tag: "History" },
  {
    method: "GET",
    path: "/history/events",
    rpc: `${HISTORY}/ListEventRecords`,
    flatten: "filter",
    tag: "History",
  },
  {
    method: "GET",
    path: "/history/alarms",
    rpc: `${HISTORY}/ListAlarmRecords`,
    flatten: "filter",
    tag: "History",
  },
  {
    method: "GET",
    path: "/history/audit",
    rpc: `${HISTORY}/ListAuditRecords`,
    flatten: "filter",
    tag: "History",
  },
  { method: "POST", path: "/history/backups", rpc: `${HISTORY}/CreateBackup`, tag: "History" },
  { method: "GET", path: "/incidents", rpc: `${INCIDENT}/ListIncidents`, tag: "Incidents" },
  // Only where a replay is served.
  { method: "GET", path: "/replay", rpc: `${REPLAY}/GetPosition`, tag: "Replay" },
  { method: "POST", path: "/replay/move", rpc: `${REPLAY}/Move`, tag: "Replay" },
  { method: "GET", path: "/config", rpc: `${CONFIG}/GetConfig`, tag: "Configuration" },
  { method: "POST", path: "/config/preview", rpc: `${CONFIG}/PreviewConfig`, tag: "Configuration" },
  { method: "POST", path: "/config/apply", rpc: `${CONFIG}/ApplyConfig`, tag: "Configuration" },
  { method: "POST", path: "/config/settle", rpc: `${CONFIG}/SettleConfig`, tag: "Configuration" },
  { method: "POST", path: "/config/restart", rpc: `${CONFIG}/RestartNode`, tag: "Configuration" },
];
