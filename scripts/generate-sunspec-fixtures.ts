// Writes drivers/sunspec/fixtures/*.json: the device images of github.com/sunspec/pysunspec2 (test data) as registers.
// Run: npx tsx scripts/generate-sunspec-fixtures.ts MODELS IMAGES REVISION
// MODELS is the folder `json` of sunspec/models, IMAGES the folder with the images, REVISION that of pysunspec2.
// It lays registers out from the JSON models by itself, so that the decoder is tested against something that it does not share.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { RemsError } from "../kernel/errors.ts";

interface PointJson {
  readonly name: string;
  readonly type: string;
  readonly size: number;
}
interface GroupJson {
  readonly name: string;
  readonly points: readonly PointJson[];
  readonly groups?: readonly GroupJson[];
}
type Image = Readonly<Record<string, unknown>>;

/** Names that the models had when the images were made, and have since changed. */
const RENAMED: Readonly<Record<string, string>> = {
  WMaxLimEna: "WMaxLimPctEna",
  WMaxLim: "WMaxLimPct",
  WMaxLim_SF: "WMaxLimPct_SF",
  WMaxLimRvrt: "WMaxLimPctRvrt",
  WMaxLimEnaRvrt: "WMaxLimPctEnaRvrt",
  WMaxLimRvrtTms: "WMaxLimPctRvrtTms",
  WMaxLimRvrtRem: "WMaxLimPctRvrtRem",
  VL3N: "VL3",
  Vnom: "VNom",
  VRefTms: "VRefAutoTms",
  Freq: "Hz",
  Freq_SF: "Hz_SF",
  DCSt: "DCSta",
};
/** The image's model 713 is what the models call 714 now. */
const RENUMBERED: Readonly<Record<string, readonly [number, number]>> = {
  device_1547: [713, 714],
};

function emptyOf(point: PointJson): Buffer {
  const bytes = Buffer.alloc(point.size * 2);
  switch (point.type) {
    case "int16":
    case "sunssf":
    case "pad":
      bytes.writeInt16BE(-0x8000);
      break;
    case "int32":
      bytes.writeInt32BE(-0x80000000);
      break;
    case "int64":
      bytes.writeBigInt64BE(-0x8000000000000000n);
      break;
    case "float32":
      bytes.writeUInt32BE(0x7fc00000);
      break;
    case "acc16":
    case "acc32":
    case "acc64":
    case "string":
      break;
    default:
      bytes.fill(0xff);
  }
  return bytes;
}

function bytesOf(point: PointJson, value: unknown): Buffer {
  if (value === null || value === undefined) return emptyOf(point);
  const bytes = Buffer.alloc(point.size * 2);
  if (point.type === "string") bytes.write(typeof value === "string" ? value : "", "latin1");
  else if (/^(?:int16|sunssf)$/.test(point.type)) bytes.writeInt16BE(Number(value));
  else if (point.type === "int32") bytes.writeInt32BE(Number(value));
  else if (point.type === "float32") bytes.writeFloatBE(Number(value));
  else if (point.size === 1) bytes.writeUInt16BE(Number(value));
  else if (point.size === 2) bytes.writeUInt32BE(Number(value));
  else if (point.size === 4) bytes.writeBigUInt64BE(BigInt(Number(value)));
  else throw new RemsError("REMS_CONFIG_INVALID", `${point.name}: unexpected type ${point.type}`);
  return bytes;
}

interface Made {
  readonly bytes: Buffer[];
  readonly published: [path: string, value: unknown][];
  readonly leftOut: string[];
}

function isHeader(prefix: string, name: string): boolean {
  return prefix === "" && (name === "ID" || name === "L");
}

function lay(group: GroupJson, image: Image, prefix: string, into: Made): void {
  const values = new Map(
    Object.entries(image).map(([key, value]) => [RENAMED[key] ?? key, value] as const),
  );
  for (const point of group.points) {
    const value = values.get(point.name);
    if (values.has(point.name) && point.type !== "pad" && !isHeader(prefix, point.name)) {
      into.published.push([prefix + point.name, value]);
    }
    into.bytes.push(bytesOf(point, value));
    values.delete(point.name);
  }
  for (const inner of group.groups ?? []) {
    const at = values.get(inner.name);
    const all = Array.isArray(at) ? (at as Image[]) : at === undefined ? [] : [at as Image];
    all.forEach((one, index) => {
      const name = Array.isArray(at) ? `${inner.name}[${index}]` : inner.name;
      lay(inner, one, `${prefix}${name}.`, into);
    });
    values.delete(inner.name);
  }
  for (const key of values.keys()) into.leftOut.push(prefix + key);
}

const [modelDirectory, imageDirectory, revision] = process.argv.slice(2);
if (modelDirectory === undefined || imageDirectory === undefined || revision === undefined) {
  process.stderr.write(
    "Usage: npx tsx scripts/generate-sunspec-fixtures.ts MODELS IMAGES REVISION\n",
  );
  process.exit(2);
}
const target = join(dirname(dirname(fileURLToPath(import.meta.url))), "drivers/sunspec/fixtures");
mkdirSync(target, { recursive: true });
for (const name of ["device_1547", "inverter_123"]) {
  const text = readFileSync(join(imageDirectory, `${name}.json`), "utf8");
  const { models } = JSON.parse(text) as { readonly models: readonly Image[] };
  const marker = Buffer.from("SunS");
  const chunks: Buffer[] = [marker];
  const published: Record<string, unknown> = {};
  const leftOut: string[] = [];
  for (const image of models) {
    if (image["ID"] === 0xffff) continue;
    const renumbered = RENUMBERED[name];
    const id =
      renumbered !== undefined && image["ID"] === renumbered[0]
        ? renumbered[1]
        : Number(image["ID"]);
    const file = join(modelDirectory, `model_${id}.json`);
    if (!existsSync(file)) throw new RemsError("REMS_CONFIG_INVALID", `no ${file}`);
    const { group } = JSON.parse(readFileSync(file, "utf8")) as { readonly group: GroupJson };
    const made: Made = { bytes: [], published: [], leftOut: [] };
    lay(group, image, "", made);
    const bytes = Buffer.concat(made.bytes);
    bytes.writeUInt16BE(id, 0);
    bytes.writeUInt16BE(bytes.length / 2 - 2, 2);
    chunks.push(bytes);
    published[String(id)] = Object.fromEntries(made.published);
    leftOut.push(...made.leftOut.map((key) => `${id} ${key}`));
  }
  chunks.push(Buffer.from([0xff, 0xff, 0, 0]));
  const all = Buffer.concat(chunks);
  const fixture = {
    source: `github.com/sunspec/pysunspec2 at ${revision}, sunspec2/tests/test_data/${name}.json, Apache-2.0; laid out as registers by scripts/generate-sunspec-fixtures.ts`,
    leftOut,
    published,
    registers: all.toString("hex"),
  };
  writeFileSync(
    join(target, `${name.replace("_", "-")}.json`),
    `${JSON.stringify(fixture, null, 2)}\n`,
  );
  process.stdout.write(`${name}: ${all.length / 2} registers, left out: ${leftOut.join(", ")}\n`);
}
