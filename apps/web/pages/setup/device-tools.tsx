import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { setup, type Table } from "../../data/setup-state.ts";
import { textAt } from "./field-tree.ts";
import { valueText } from "../../parts/value-text.ts";

interface DeviceToolsProps {
  readonly device: Table;
  readonly grid: string;
  readonly onChange: (device: Table) => void;
}

interface Found {
  readonly isOk: boolean;
  readonly lines: readonly string[];
}

/** Looks at a device without writing: which units answer at its address, and what its points say. */
export function DeviceTools({ device, grid, onChange }: DeviceToolsProps): JSX.Element {
  const [found, setFound] = useState<Found | null>(null);
  const [isLooking, setIsLooking] = useState("");
  const look = async (what: string, act: () => Promise<Found | null>): Promise<void> => {
    setIsLooking(what);
    try {
      setFound(await act());
    } catch (error) {
      setFound({ isOk: false, lines: [error instanceof Error ? error.message : String(error)] });
    }
    setIsLooking("");
  };
  const host = textAt(device, "host");
  const port = Number(device["port"] ?? 502);
  return (
    <div class="device-tools">
      <button
        type="button"
        class="small"
        disabled={isLooking !== "" || device["kind"] === undefined}
        onClick={() =>
          void look("propose", async () => {
            onChange((await setup.deviceProposal(grid, device)).device);
            return null;
          })
        }
      >
        Propose the rest
      </button>
      <button
        type="button"
        class="small"
        disabled={isLooking !== "" || host === ""}
        onClick={() =>
          void look("scan", async () => {
            const { units } = await setup.scan(host, port);
            const lines = units.map((unit) => `unit ${textAt(unit, "unitId")} answers`);
            return {
              isOk: units.length > 0,
              lines: lines.length > 0 ? lines : ["no unit answers"],
            };
          })
        }
      >
        {isLooking === "scan" ? "Scanning …" : "Scan units"}
      </button>
      <button
        type="button"
        class="small"
        disabled={isLooking !== "" || device["profile"] === undefined}
        onClick={() =>
          void look("read", async () => {
            const { profile } = device;
            const unitId = Number(device["unit_id"] ?? 1);
            const { isOk, points = [] } = await setup.testRead({ profile, host, port, unitId });
            const lines = points.map(({ point, value, unit, verdict, finding }) => {
              const text = valueText(asValue(value), unit);
              return `${point}: ${text} ${unit}${verdict === "ok" ? "" : ` (${finding || verdict})`}`;
            });
            return { isOk, lines };
          })
        }
      >
        {isLooking === "read" ? "Reading …" : "Read once"}
      </button>
      {found === null ? null : (
        <ul class={found.isOk ? "check" : "check refused"} role="status">
          {found.lines.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

function asValue(value: unknown): { number: number } | { flag: boolean } | { text: string } | null {
  if (typeof value === "number") return { number: value };
  if (typeof value === "boolean") return { flag: value };
  return typeof value === "string" ? { text: value } : null;
}
