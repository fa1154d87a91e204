/** What of the manifest's JSON Schema a form needs: meaning, unit, range and choices of each field. */
export interface FieldSchema {
  readonly description?: string;
  readonly defaultText?: string;
  /** Kinds of device that it means something for; absent: for all. */
  readonly kinds?: readonly string[];
  readonly type?: string;
  readonly enum?: readonly (string | number)[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly items?: FieldSchema;
}

export interface ParameterFacts {
  readonly meaning: string;
  readonly choices: readonly (string | number)[];
  /** What absent means, in words; empty where it cannot be absent. */
  readonly absent: string;
  readonly min: number | undefined;
  readonly max: number | undefined;
  /** Kinds of device that have it; empty: all. */
  readonly kinds: readonly string[];
  /** Place in the manifest's own order. */
  readonly place: number;
}

const UNKNOWN: ParameterFacts = {
  meaning: "",
  choices: [],
  absent: "",
  min: undefined,
  max: undefined,
  kinds: [],
  place: 0,
};
/** As the core has it: what a device may leave to its grid, or not be part of. */
const NULLABLE = /^devices\.[^.]+\.(?:control|tripStage)$/;
const CHOICE_COUNT_MAX = 10;
/** More fields than any table has. */
const PLACE_COUNT_MAX = 1000;

/** What the schema says about `power.startLimitPct` or `devices.dg1.ratings.powerKw`. Pure. */
export function factsOf(manifest: FieldSchema | null, parameter: string): ParameterFacts {
  const parts = parameter.split(".");
  const grid = manifest?.properties?.["grids"]?.items;
  const isDevice = parts[0] === "devices";
  let at = isDevice ? grid?.properties?.["devices"]?.items : grid;
  let kinds: readonly string[] = [];
  let place = 0;
  for (const part of isDevice ? parts.slice(2) : parts) {
    const next = memberOf(at, part);
    const among = Object.values(at?.properties ?? {});
    place = place * PLACE_COUNT_MAX + (next === undefined ? 0 : among.indexOf(next) + 1);
    at = next;
    kinds = at?.kinds ?? kinds;
  }
  if (at === undefined) return UNKNOWN;
  const isNullable = NULLABLE.test(parameter);
  return {
    meaning: (at.description ?? "").replaceAll("`", ""),
    choices: at.enum ?? (isNullable ? wholeNumbers(at) : []),
    absent: isNullable ? (at.defaultText ?? "none") : "",
    min: at.minimum,
    max: at.maximum,
    kinds,
    place,
  };
}

/** `isN1Required` is written `n1_required` in the manifest. */
function memberOf(table: FieldSchema | undefined, name: string): FieldSchema | undefined {
  const plain = (text: string): string => text.replaceAll("_", "").toLowerCase().replace(/^is/, "");
  return Object.entries(table?.properties ?? {}).find(([key]) => plain(key) === plain(name))?.[1];
}

function wholeNumbers({ type, minimum = 0, maximum = 0 }: FieldSchema): number[] {
  if (type !== "integer" || maximum - minimum >= CHOICE_COUNT_MAX) return [];
  return Array.from({ length: maximum - minimum + 1 }, (_none, index) => minimum + index);
}
