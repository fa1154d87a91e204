import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium, type Browser } from "playwright-core";
import { present } from "../../kernel/assert.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const UNPACKED = join(ROOT, ".cache", "debian");
const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** A browser of this machine, or the one that `node scripts/debian-tools.mjs chromium` unpacked. */
function findChromium(): { readonly program: string; readonly libraries: string } {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const installed = folders
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find((path) => existsSync(path));
  if (installed !== undefined) return { program: installed, libraries: "" };
  const unpacked = join(UNPACKED, "usr", "lib", "chromium", "chromium");
  const program = existsSync(unpacked) ? unpacked : null;
  const libraries = ["x86_64-linux-gnu", "aarch64-linux-gnu"]
    .map((triplet) => join(UNPACKED, "usr", "lib", triplet))
    .flatMap((path) => [path, join(path, "pulseaudio")])
    .filter((path) => existsSync(path))
    .join(delimiter);
  const what = 'there is no Chromium: run "npm run tools", or install one and put it on the PATH';
  return { program: present(program, what), libraries };
}

export async function openBrowser(): Promise<Browser> {
  const { program, libraries } = findChromium();
  return chromium.launch({
    executablePath: program,
    // Containers often run as root and have a small /dev/shm.
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
    env: { ...process.env, LD_LIBRARY_PATH: libraries } as Record<string, string>,
  });
}
