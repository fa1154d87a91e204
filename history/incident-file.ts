import { createHash, createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import { z } from "zod";
import { RemsError } from "../kernel/errors.ts";

/**
 * The container of an incident: three lines of text, then sections.
 *
 * 1. `R-EMS incident 1`: format and version; 2. the header as JSON; 3. the signature as JSON, or `null`. The header lists the sections with
 * name, length, length before compression, and SHA-256 of the compressed bytes, in their order; each is compressed with brotli (RFC
 * 7932). The signature is Ed25519 (RFC 8032) over the first two lines, line ends included, and so over everything.
 */
const MAGIC = "R-EMS incident 1\n";
const MAGIC_ANY = /^R-EMS incident (\d{1,6})\n/;
export const FILE_BYTES_MAX = 512 * 1024 * 1024;
const HEADER_BYTES_MAX = 1024 * 1024;
const SIGNATURE_BYTES_MAX = 4096;
const SECTION_COUNT_MAX = 2000;
/** Most that one section may become; more is not believed. */
const SECTION_RAW_BYTES_MAX = 1024 * 1024 * 1024;
const LINE_END = 10;

const name = z.string().max(128);
const count = z.number().int().min(0);
const finite = z.number().refine(Number.isFinite);
const placeSchema = z.object({
  epoch: count,
  sequence: count,
  plantTimeMs: finite,
  wallTimeMs: finite,
});

const headerSchema = z.object({
  createdAt: z.string().max(32),
  /** Version of R-EMS and of Node.js that wrote the file. */
  createdBy: z.object({ version: name, nodeVersion: name }),
  installation: z.object({ id: name, name: z.string().max(256) }),
  isSimulation: z.boolean(),
  /** Why it was kept: `exported`, or what set the capture off. */
  reason: z.string().max(1000),
  grids: z
    .array(
      z.object({
        grid: name,
        frameCount: count.max(50_000_000),
        /** Places where frames are missing in every journal. */
        gapCount: count,
        first: placeSchema,
        last: placeSchema,
        coreVersion: name,
        manifestHash: name,
      }),
    )
    .min(1)
    .max(200),
  /** What the writer wants known: frames that were left out, nodes that were silent. */
  remarks: z.array(z.string().max(1000)).max(100),
  sections: z
    .array(
      z.object({
        name: z.string().max(200),
        bytes: count.max(FILE_BYTES_MAX),
        rawBytes: count.max(SECTION_RAW_BYTES_MAX),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    )
    .max(SECTION_COUNT_MAX),
});

export type IncidentHeader = z.infer<typeof headerSchema>;
export type IncidentSummary = Omit<IncidentHeader, "sections">;

const signatureSchema = z
  .object({
    algorithm: z.literal("ed25519"),
    /** SPKI, base64. */
    publicKey: z.string().max(200),
    value: z.string().max(200),
  })
  .nullable();

export interface IncidentFile {
  readonly header: IncidentHeader;
  /** Decompressed when asked for. @throws {@link RemsError} `REMS_INCIDENT_INVALID` if it is absent or damaged. */
  section(name: string): Buffer;
  has(name: string): boolean;
  /** Who signed: SHA-256 of the public key (SPKI), hexadecimal; null where nobody did. A signature that is there is right. */
  readonly signedBy: string | null;
}

export interface EncodeOptions {
  /** Ed25519 private key. */
  readonly privateKey?: KeyObject | undefined;
  /** Smaller, and ten times slower: for files that stay. */
  readonly isSmallest?: boolean | undefined;
}

/** Puts sections into one file. @throws {@link RemsError} `REMS_REQUEST_INVALID` for a key that is not Ed25519. */
export function encodeIncidentFile(
  summary: IncidentSummary,
  sections: ReadonlyMap<string, Buffer>,
  { privateKey, isSmallest }: EncodeOptions = {},
): Buffer {
  const bodies: Buffer[] = [];
  const listed: IncidentHeader["sections"] = [];
  for (const [sectionName, raw] of sections) {
    const body = brotliCompressSync(raw, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: isSmallest === true ? constants.BROTLI_MAX_QUALITY : 5,
        [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
        [constants.BROTLI_PARAM_SIZE_HINT]: raw.length,
      },
    });
    bodies.push(body);
    const { length: bytes } = body;
    listed.push({ name: sectionName, bytes, rawBytes: raw.length, sha256: sha256(body) });
  }
  const head = Buffer.from(`${MAGIC}${JSON.stringify({ ...summary, sections: listed })}\n`);
  const signature = privateKey === undefined ? null : signatureOf(head, privateKey);
  return Buffer.concat([head, Buffer.from(`${JSON.stringify(signature)}\n`), ...bodies]);
}

function signatureOf(head: Buffer, privateKey: KeyObject): z.infer<typeof signatureSchema> {
  if (privateKey.asymmetricKeyType !== "ed25519") {
    throw new RemsError(
      "REMS_REQUEST_INVALID",
      `the key is of type ${privateKey.asymmetricKeyType ?? "unknown"}; allowed is Ed25519, as "openssl genpkey -algorithm ed25519" makes one`,
    );
  }
  const publicKey = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  return {
    algorithm: "ed25519",
    publicKey: publicKey.toString("base64"),
    value: sign(null, head, privateKey).toString("base64"),
  };
}

/**
 * Reads the container; sections are checked and decompressed when they are asked for.
 * @throws {@link RemsError} `REMS_INCIDENT_INVALID` that says what is wrong: another format or version, torn, damaged, signed wrongly.
 */
export function readIncidentFile(bytes: Buffer): IncidentFile {
  if (bytes.length > FILE_BYTES_MAX) throw invalid(`it is longer than ${FILE_BYTES_MAX} bytes`);
  const start = bytes.toString("latin1", 0, 64);
  if (!start.startsWith(MAGIC)) {
    const version = MAGIC_ANY.exec(start)?.[1];
    throw invalid(
      version === undefined
        ? 'it does not begin with "R-EMS incident"'
        : `its format is version ${version}; this build reads version 1`,
    );
  }
  const headerEnd = lineEnd(bytes, MAGIC.length, HEADER_BYTES_MAX, "header");
  const signatureEnd = lineEnd(bytes, headerEnd, SIGNATURE_BYTES_MAX, "signature");
  const header = parse(headerSchema, bytes, MAGIC.length, headerEnd, "header");
  const signature = parse(signatureSchema, bytes, headerEnd, signatureEnd, "signature");
  const signedBy = signature === null ? null : signerOf(bytes.subarray(0, headerEnd), signature);
  const places = new Map<string, { at: number; section: IncidentHeader["sections"][number] }>();
  let at = signatureEnd;
  for (const section of header.sections) {
    places.set(section.name, { at, section });
    at += section.bytes;
  }
  if (at !== bytes.length) {
    throw invalid(`its header speaks of ${at} bytes, there are ${bytes.length}: it is torn`);
  }
  return {
    header,
    signedBy,
    has: (sectionName) => places.has(sectionName),
    section(sectionName) {
      const place = places.get(sectionName);
      if (place === undefined) throw invalid(`it has no section "${sectionName}"`);
      const { section } = place;
      const body = bytes.subarray(place.at, place.at + section.bytes);
      if (sha256(body) !== section.sha256) throw invalid(`section "${sectionName}" is damaged`);
      return decompress(body, section.rawBytes, sectionName);
    },
  };
}

function decompress(body: Buffer, rawBytes: number, sectionName: string): Buffer {
  try {
    const raw = brotliDecompressSync(body, { maxOutputLength: Math.max(1, rawBytes) });
    if (raw.length === rawBytes) return raw;
  } catch (cause) {
    throw invalid(`section "${sectionName}" cannot be decompressed`, cause);
  }
  throw invalid(`section "${sectionName}" is shorter than its header says`);
}

function signerOf(head: Buffer, signature: { publicKey: string; value: string }): string {
  const spki = Buffer.from(signature.publicKey, "base64");
  let isRight = false;
  try {
    const key = createPublicKey({ key: spki, type: "spki", format: "der" });
    isRight =
      key.asymmetricKeyType === "ed25519" &&
      verify(null, head, key, Buffer.from(signature.value, "base64"));
  } catch (cause) {
    throw invalid("its signature names no key", cause);
  }
  if (!isRight) throw invalid("its signature does not fit: it was changed after it was signed");
  return sha256(spki);
}

/** Name of a public key as {@link IncidentFile.signedBy} has it. */
export function keyFingerprint(key: KeyObject): string {
  return sha256(key.export({ type: "spki", format: "der" }));
}

/** @returns Index behind the line's end. */
function lineEnd(bytes: Buffer, from: number, bytesMax: number, what: string): number {
  const at = bytes.subarray(from, from + bytesMax).indexOf(LINE_END);
  if (at < 0) throw invalid(`its ${what} does not end`);
  return from + at + 1;
}

function parse<T>(schema: z.ZodType<T>, bytes: Buffer, from: number, to: number, what: string): T {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8", from, to));
  } catch (cause) {
    throw invalid(`its ${what} is not JSON`, cause);
  }
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  throw invalid(`its ${what} is wrong at ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
}

function sha256(data: Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}

export function invalid(text: string, cause?: unknown): RemsError {
  return new RemsError("REMS_INCIDENT_INVALID", `this is no incident that can be read: ${text}`, {
    cause,
  });
}
