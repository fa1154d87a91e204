import { failed, type Finding, ok, type Patient, warning } from "./finding.ts";
import { reasonOf } from "./local-checks.ts";

const SLOW_MS = 100;
const LOOK_MS_MAX = 2000;
const VERSION_GOOD = [3, 6, 9] as const;

/** Each member of etcd: whether it is healthy, which version, how quickly it answers; then whether there is a majority. */
export async function checkEtcd({ manifest, told }: Patient): Promise<Finding[]> {
  const { kind, endpoints } = manifest.coordinator;
  if (kind === "embedded") {
    const where = endpoints[0] === undefined ? "in the node itself" : `served at ${endpoints[0]}`;
    return [
      manifest.nodes.length >= 2
        ? warning(
            "coordinator",
            `embedded, ${where}`,
            "for trying only: two nodes in production need etcd",
          )
        : ok("coordinator", `embedded, ${where}`),
    ];
  }
  told(`etcd: ${endpoints.join(", ")}`);
  const members = await Promise.all(endpoints.map((endpoint) => lookAt(endpoint)));
  const findings = members.map(({ finding }) => finding);
  const goodCount = members.filter(({ isHealthy }) => isHealthy).length;
  const text = `${goodCount} of ${endpoints.length} members are healthy`;
  if (goodCount * 2 <= endpoints.length) {
    findings.push(
      failed(
        "etcd",
        text,
        "no majority: leaders hold on while a standby is in sync, and nobody can take over. Bring members back",
      ),
    );
  } else if (endpoints.length < 3) {
    findings.push(
      warning(
        "etcd",
        text,
        "use three members, one of them off the controllers: with fewer no member may be lost",
      ),
    );
  } else findings.push(ok("etcd", text));
  return findings;
}

async function lookAt(
  endpoint: string,
): Promise<{ readonly finding: Finding; readonly isHealthy: boolean }> {
  const check = `etcd ${endpoint}`;
  try {
    const startedMs = performance.now();
    const health = (await getJson(`http://${endpoint}/health`)) as { readonly health?: string };
    const tookMs = Math.round(performance.now() - startedMs);
    const version = (await getJson(`http://${endpoint}/version`)) as {
      readonly etcdserver?: string;
    };
    const name = version.etcdserver ?? "unknown";
    const text = `version ${name}, answers in ${tookMs} ms`;
    if (health.health !== "true") {
      return {
        isHealthy: false,
        finding: failed(
          check,
          `${text}, not healthy`,
          "it has no leader or no majority: see its log",
        ),
      };
    }
    if (tookMs > SLOW_MS) {
      return {
        isHealthy: true,
        finding: warning(
          check,
          text,
          "slow: a quicker disk, a quicker network, or fewer neighbours",
        ),
      };
    }
    if (!isRecent(name)) {
      return {
        isHealthy: true,
        finding: warning(
          check,
          text,
          `works; ${VERSION_GOOD.join(".")} or later does not answer with old data after a pause`,
        ),
      };
    }
    return { isHealthy: true, finding: ok(check, text) };
  } catch (error) {
    const cause =
      error instanceof Error && error.cause instanceof Error
        ? error.cause.message
        : reasonOf(error);
    return {
      isHealthy: false,
      finding: failed(
        check,
        `does not answer: ${cause}`,
        "start it, or correct coordinator.endpoints",
      ),
    };
  }
}

async function getJson(url: string): Promise<unknown> {
  const response = await fetch(url, { signal: AbortSignal.timeout(LOOK_MS_MAX) });
  return (await response.json()) as unknown;
}

function isRecent(version: string): boolean {
  const parts = version.split(".").map(Number);
  for (const [index, wanted] of VERSION_GOOD.entries()) {
    const part = parts[index] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}
