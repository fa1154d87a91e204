import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

/** Every asset once more as `.br` and `.gz`, made at build time: a node only hands out files. */
function precompress(): Plugin {
  return {
    name: "r-ems-precompress",
    apply: "build",
    writeBundle({ dir = "" }) {
      const names = readdirSync(dir, { recursive: true }).map(String);
      for (const name of names.filter((one) => /\.(?:js|css|svg|html)$/.test(one))) {
        const path = join(dir, name);
        const source = readFileSync(path);
        const params = { [constants.BROTLI_PARAM_QUALITY]: 9 };
        writeFileSync(`${path}.br`, brotliCompressSync(source, { params }));
        writeFileSync(`${path}.gz`, gzipSync(source, { level: 9 }));
      }
    },
  };
}

/** `npm run dev:web` shows the sources live and asks a node that runs; `R_EMS_NODE` names another than the first of `npm start`. */
const node = process.env["R_EMS_NODE"] ?? "http://127.0.0.1:7402";

export default defineConfig({
  root: import.meta.dirname,
  plugins: [precompress()],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../../dist/web",
    emptyOutDir: true,
    target: "es2022",
    // A fraction of a second more at the first visit of a page; the size of each is in the build's output.
    reportCompressedSize: false,
    assetsInlineLimit: 0,
  },
  server: {
    port: 5173,
    proxy: { "/api": node, "/healthz": node, "/readyz": node, "/metrics": node },
  },
});
