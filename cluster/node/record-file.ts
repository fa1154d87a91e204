import { type FileHandle, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { RemsError } from "../../kernel/errors.ts";
import { hashOf } from "../../kernel/hash.ts";

/** Least bytes of one place: some hundred grids' records. */
const PLACE_BYTES_MIN = 65_536;
const MARK = "rems-records";
const HEADER = /^rems-records (\d{1,15}) (\d{1,9}) ([0-9a-f]{32})\n/;
const HEADER_BYTES_MAX = 96;

interface Place {
  readonly index: number;
  readonly count: number;
  readonly text: string;
}

/**
 * A text in a file of two places of which the older one is overwritten each time: atomic, since a torn place is known as such and the other
 * one stands, and on a disk that is full as well, since nothing new is asked of it (where the file system overwrites in place, as ext4 and XFS do).
 */
export class RecordFile {
  readonly #path: string;
  #newest: Place | null = null;
  #placeBytes = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * The text as it stands on disk; null where there is no file.
   * @throws {@link RemsError} `REMS_RECORD_INVALID` if the file holds something else.
   */
  async load(): Promise<string | null> {
    this.#newest = null;
    const bytes = await contentsOf(this.#path);
    if (bytes === null) return null;
    // Until version 0.1 the file was the text itself; the first change gives it its form.
    if (bytes.subarray(0, MARK.length).toString("latin1") !== MARK && bytes[0] === 0x7b)
      return bytes.toString("utf8");
    this.#placeBytes = Math.floor(bytes.length / 2);
    for (const index of [0, 1]) {
      const place = placeIn(bytes.subarray(index * this.#placeBytes), index);
      if (place !== null && place.count > (this.#newest?.count ?? 0)) this.#newest = place;
    }
    if (this.#newest === null)
      throw new RemsError("REMS_RECORD_INVALID", `${this.#path} holds no records`);
    return this.#newest.text;
  }

  /** Resolves once the text is on disk. After an error the file must be loaded: it may hold the one text or the other. */
  async save(text: string): Promise<void> {
    const count = (this.#newest?.count ?? 0) + 1;
    const body = Buffer.from(text, "utf8");
    const header = Buffer.from(`${MARK} ${count} ${body.length} ${hashOf(text)}\n`, "latin1");
    const entry = Buffer.concat([header, body]);
    if (this.#newest === null || entry.length > this.#placeBytes) {
      await this.#create(entry);
      this.#newest = { index: 0, count, text };
      return;
    }
    const index = 1 - this.#newest.index;
    await within(await open(this.#path, "r+"), async (handle) => {
      await handle.write(entry, 0, entry.length, index * this.#placeBytes);
      await handle.datasync();
    });
    this.#newest = { index, count, text };
  }

  /** A new file with room for both places takes the old one's place, and the folder is on disk too. */
  async #create(entry: Buffer): Promise<void> {
    let placeBytes = PLACE_BYTES_MIN;
    while (placeBytes < 2 * entry.length) placeBytes *= 2;
    const draft = `${this.#path}.new`;
    await within(await open(draft, "w", 0o600), async (handle) => {
      const whole = Buffer.alloc(2 * placeBytes);
      entry.copy(whole);
      await handle.writeFile(whole);
      await handle.sync();
    });
    await rename(draft, this.#path);
    this.#placeBytes = placeBytes;
    if (process.platform === "win32") return; // folders cannot be synced there
    await within(await open(dirname(this.#path), "r"), (handle) => handle.sync());
  }
}

async function within(handle: FileHandle, act: (handle: FileHandle) => Promise<void>) {
  try {
    await act(handle);
  } finally {
    await handle.close();
  }
}

async function contentsOf(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

/** What a place holds; null where it was never written, or torn. */
function placeIn(bytes: Buffer, index: number): Place | null {
  const match = HEADER.exec(bytes.subarray(0, HEADER_BYTES_MAX).toString("latin1"));
  if (match === null) return null;
  const [header, count = "", length = "", hash = ""] = match;
  const text = bytes.subarray(header.length, header.length + Number(length)).toString("utf8");
  return hashOf(text) === hash ? { index, count: Number(count), text } : null;
}
