/** Where a node answers what: docs/05-networking/http.md. */

const API = "/api/v1";

type Fields = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** Fields that are empty or absent are left out. */
function query(fields: Fields): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || value === "") continue;
    for (const one of Array.isArray(value) ? (value as readonly string[]) : [value]) {
      params.append(name, String(one));
    }
  }
  const text = params.toString();
  return text === "" ? "" : `?${text}`;
}

const part = encodeURIComponent;
const address = (path: string): string => path.split("/").map(part).join("/");

export interface HistoryQuery {
  readonly grid: string;
  readonly points: readonly string[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly samplesMax: number;
  readonly resolution?: string;
}

export interface RecordQuery {
  readonly grid?: string;
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly actorPrefix?: string;
  readonly text?: string;
  readonly kind?: string;
  readonly code?: string;
  readonly priority?: string;
  readonly outcome?: string;
  readonly user?: string;
  readonly pageSize?: number;
  readonly pageToken?: string;
}

export const paths = {
  status: `${API}/status`,
  topology: `${API}/topology`,
  nodes: `${API}/nodes`,
  devices: (device: string) =>
    device === "" ? `${API}/devices` : `${API}/devices/${part(device)}`,
  devicesWithPoints: (device: string) => `${paths.devices(device)}?withPoints=true`,
  actors: (withContext: boolean) => `${API}/actors${query({ pageSize: 1000, withContext })}`,
  actor: (of: string) => `${API}/actors/${address(of)}`,
  why: (of: string) => `${API}/why/${address(of)}`,
  machine: (machine: string) => `${API}/machines/${part(machine)}`,
  command: `${API}/commands`,
  transfer: (grid: string) => `${API}/grids/${part(grid)}/transfer`,
  leadership: (grid: string) => `${API}/grids/${part(grid)}/leadership`,
  config: `${API}/config`,
  configPreview: `${API}/config/preview`,
  configApply: `${API}/config/apply`,
  configSettle: `${API}/config/settle`,
  /** Parameters of the grids alone: cheap. */
  parameters: `${API}/config?parametersOnly=true`,
  manifestSchema: `${API}/manifest-schema.json`,
  alarms: `${API}/alarms?withHidden=true`,
  alarmAct: `${API}/alarms/act`,
  alarmDefinitions: `${API}/alarm-definitions`,
  series: `${API}/history/series?pageSize=1000`,
  history: (of: HistoryQuery) => `${API}/history/points${query({ ...of })}`,
  eventRecords: (of: RecordQuery) => `${API}/history/events${query({ ...of })}`,
  alarmRecords: (of: RecordQuery) => `${API}/history/alarms${query({ ...of })}`,
  auditRecords: (of: RecordQuery) => `${API}/history/audit${query({ ...of })}`,
  simulation: `${API}/simulation`,
  incidents: `${API}/incidents`,
  incidentReplay: (name: string) => `${API}/incidents/${part(name)}/replay`,
  replay: `${API}/replay`,
  replayMove: `${API}/replay/move`,
  incidentFile: (name: string) => `${API}/incidents/${part(name)}`,
  /** What every page follows. */
  mainStream: `${API}/events?topics=status,leadership,actors`,
  pointStream: (device: string) =>
    `${API}/events${query({ topics: "points", devices: device, updatesPerSecondMax: 5 })}`,
} as const;
