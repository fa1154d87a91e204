import type { JSX } from "preact";
import { configurationOf, plain } from "../../data/configuration.ts";
import type { GetConfigResponse, GridStatus } from "../../data/messages.ts";
import { paths } from "../../data/paths.ts";
import { lookOf } from "../../diagram/device-look.ts";
import { fixed } from "../../parts/format.ts";
import { useAnswer } from "../../parts/use-answer.ts";
import { planStarts, type StartSet } from "./plan-starts.ts";

const EVERY_MS = 5000;

/** The load-dependent start table of the grid's sets, from the parameters in force. */
export function StartTable({ grid }: { grid: GridStatus }): JSX.Element | null {
  const { value } = useAnswer<GetConfigResponse>(paths.parameters, EVERY_MS);
  const configuration = configurationOf(value, grid.grid);
  const gensets = grid.devices.filter(({ kind }) => kind === "genset");
  if (configuration === undefined || gensets.length === 0) return null;
  const values = plain(configuration.parameters);
  const number = (name: string): number => Number(values[`power.${name}`] ?? 0);
  const order = orderOf(values["power.startOrder"]);
  const rank = (id: string): number => (order.includes(id) ? order.indexOf(id) : order.length);
  const sorted = gensets.toSorted((a, b) => rank(a.device) - rank(b.device));
  const sets = sorted.map(({ name, ratingKw }): StartSet => ({ name, ratedKw: ratingKw }));
  const lines = planStarts(sets, {
    startLimitPct: number("startLimitPct"),
    fastStartLimitPct: number("fastStartLimitPct"),
    stopLimitPct: number("stopLimitPct"),
  });
  const runningCount = gensets.filter(
    (one) => one.isClosed === true && lookOf(one) !== "off",
  ).length;
  return (
    <section class="panel">
      <h2>Start table</h2>
      <div class="table-scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Sets</th>
              <th scope="col" class="number">
                Capacity, kW
              </th>
              <th scope="col" class="number">
                Next starts above
              </th>
              <th scope="col" class="number">
                at once above
              </th>
              <th scope="col" class="number">
                One stops below
              </th>
            </tr>
          </thead>
          <tbody>
            {lines.map((line, index) => (
              <tr key={line.capacityKw} class={index + 1 === runningCount ? "now" : ""}>
                <th scope="row">
                  {line.sets.join(" + ")}
                  {index + 1 === runningCount ? <span class="tag">now</span> : null}
                </th>
                <td class="number">{fixed(line.capacityKw)}</td>
                <td class="number">{fixed(line.startAboveKw)}</td>
                <td class="number">{fixed(line.fastStartAboveKw)}</td>
                <td class="number">{fixed(line.stopBelowKw)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="quiet note">
        Start after {fixed(number("startDelayS"))} s, at once after{" "}
        {fixed(number("fastStartDelayS"))} s, stop after {fixed(number("stopDelayS"))} s. N-1, heavy
        consumers and batteries may start a set earlier and keep one longer.
      </p>
    </section>
  );
}

/** A list travels as JSON text. */
function orderOf(value: unknown): string[] {
  try {
    const list: unknown = JSON.parse(typeof value === "string" ? value : "[]");
    return Array.isArray(list) ? list.filter((one) => typeof one === "string") : [];
  } catch {
    return [];
  }
}
