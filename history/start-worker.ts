import { Worker, type ResourceLimits } from "node:worker_threads";

/**
 * Starts a worker thread from the module `name` beside `importerUrl`.
 *
 * From `dist/` that is the compiled module. Where the importer itself is TypeScript (tests, tsx) the worker starts with tsx's
 * loader registered by hand: Node 20 hands `--import tsx` to a worker, but tsx does not install its hooks there.
 * @param importerUrl - `import.meta.url` of the caller.
 * @param name - Module name without extension, e.g. `journal-worker`.
 * @param resourceLimits - Of its heap; unlimited by default.
 */
export function startWorker(
  importerUrl: string,
  name: string,
  workerData: unknown,
  resourceLimits: ResourceLimits = {},
): Worker {
  const isSource = new URL(importerUrl).pathname.endsWith(".ts");
  const url = new URL(`./${name}.${isSource ? "ts" : "js"}`, importerUrl);
  if (!isSource) return new Worker(url, { workerData, name, resourceLimits });
  const bootstrap = `import("tsx/esm/api").then((tsx) => {
    tsx.register();
    return import(${JSON.stringify(url.href)});
  });`;
  return new Worker(bootstrap, { eval: true, workerData, name, resourceLimits });
}
