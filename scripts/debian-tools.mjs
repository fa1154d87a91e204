// Unpacks programs of Debian or Ubuntu into `.cache/debian`, without root: etcd for `npm run etcd`, and the foreign Modbus
// peers that tests talk to for `npm run tools`, and the browser that they open the web application with. Elsewhere it says what to install.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { fail, root } from "./prepare.mjs";

const target = join(root, ".cache", "debian");

/**
 * What each name brings: a file that proves it is there, and the Debian packages that hold it; `isWhole`: with whatever else of theirs
 * this machine lacks.
 */
const TOOLS = {
  etcd: { proof: ["usr/bin/etcd"], packages: ["etcd-server", "etcd-client"] },
  nft: {
    proof: ["usr/sbin/nft"],
    packages: [
      "nftables",
      "libnftables1",
      "libnftnl11",
      "libmnl0",
      "libjansson4",
      "libxtables12",
      "libedit2",
      "libgmp10",
    ],
  },
  faketime: { proof: ["usr/share/doc/libfaketime"], packages: ["libfaketime"] },
  spin: { proof: ["usr/bin/spin"], packages: ["spin"] },
  chromium: {
    proof: ["usr/lib/chromium/chromium"],
    packages: ["chromium", "fonts-dejavu-core"],
    isWhole: true,
  },
  zsh: { proof: ["bin/zsh"], packages: ["zsh", "zsh-common"], isWhole: true },
  fish: { proof: ["usr/bin/fish"], packages: ["fish", "fish-common"], isWhole: true },
  influxdb: { proof: ["usr/bin/influxd"], packages: ["influxdb"] },
  mbpoll: { proof: ["usr/bin/mbpoll"], packages: ["mbpoll", "libmodbus5"] },
  pymodbus: {
    proof: [
      "usr/lib/python3/dist-packages/pymodbus",
      "usr/lib/python3/dist-packages/serial_asyncio",
    ],
    packages: ["python3-pymodbus", "python3-serial", "python3-serial-asyncio", "python3-six"],
  },
  grpcio: {
    proof: ["usr/lib/python3/dist-packages/grpc", "usr/lib/python3/dist-packages/google/protobuf"],
    packages: [
      "python3-grpcio",
      "python3-protobuf",
      "python3-six",
      "libprotobuf32",
      "libabsl20220623",
      "libc-ares2",
      "libre2-9",
      "libssl3",
    ],
  },
};

export function isOnPath(program) {
  const names = process.platform === "win32" ? [`${program}.exe`] : [program];
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.some((folder) => names.some((name) => existsSync(join(folder, name))));
}

function isUnpacked(tool) {
  return TOOLS[tool].proof.every((path) => existsSync(join(target, path)));
}

/** The packages, and those that they need and that are not installed. */
function withMissing(packages) {
  const args = ["install", "--simulate", "--no-install-recommends", ...packages];
  const { status, stdout } = spawnSync("apt-get", args, { encoding: "utf8" });
  if (status !== 0) return packages;
  const missing = [...stdout.matchAll(/^Inst (\S+)/gm)].map((match) => match[1]);
  return [...new Set([...missing, ...packages])];
}

function unpack(tool) {
  const { isWhole = false } = TOOLS[tool];
  if (!isOnPath("apt-get") || !isOnPath("dpkg")) {
    fail(
      `${tool} is not here, and this system has no apt-get to fetch it with. Install ${tool} by your system's means and put it on the PATH` +
        (tool === "etcd" ? " (see https://etcd.io/docs/latest/install/)." : "."),
    );
  }
  const folder = mkdtempSync(join(tmpdir(), "r-ems-tools-"));
  let packages = TOOLS[tool].packages;
  try {
    process.stderr.write(`Fetching ${packages.join(", ")} ...\n`);
    const download = () => {
      if (isWhole) packages = withMissing(TOOLS[tool].packages);
      return spawnSync("apt-get", ["download", ...packages], { cwd: folder, encoding: "utf8" });
    };
    let result = download();
    if (result.status !== 0 && process.getuid?.() === 0) {
      // A fresh machine may have no package lists yet.
      spawnSync("apt-get", ["update", "-qq"], { encoding: "utf8" });
      result = download();
    }
    if (result.status !== 0) {
      fail(
        `apt-get download ${packages.join(" ")} failed: ${result.stderr.trim()}\nRun "apt-get update" as root once, then try again.`,
      );
    }
    mkdirSync(target, { recursive: true });
    for (const file of readdirSync(folder).filter((name) => name.endsWith(".deb"))) {
      const extract = spawnSync("dpkg", ["-x", join(folder, file), target], { encoding: "utf8" });
      if (extract.status !== 0) fail(`dpkg -x ${file} failed: ${extract.stderr.trim()}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Provides the named tools; those that are there already cost nothing. */
export function provide(tools) {
  for (const tool of tools) {
    if (isUnpacked(tool) || isOnPath(tool)) continue;
    unpack(tool);
    process.stderr.write(`${tool} is ready in .cache/debian.\n`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wanted = process.argv.slice(2);
  const unknown = wanted.filter((tool) => !(tool in TOOLS));
  if (wanted.length === 0 || unknown.length > 0) {
    fail(
      `Usage: node scripts/debian-tools.mjs ${Object.keys(TOOLS).join("|")} ...${unknown.length > 0 ? `; unknown: ${unknown.join(", ")}` : ""}`,
    );
  }
  provide(wanted);
}
