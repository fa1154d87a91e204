import type { JSX } from "preact";
import type { DeviceStatus, GridStatus } from "../../data/messages.ts";
import { breakerOf, lookOf } from "../../diagram/device-look.ts";
import { fixed, NONE, span, wordsOf } from "../../parts/format.ts";
import { linkTo } from "../../shell/route.ts";

const SOURCES = new Set(["genset", "battery", "shore", "pv"]);

/** What can feed the busbar, in the order of the manifest, with why each is as it is. */
export function Sources({ grid }: { grid: GridStatus }): JSX.Element {
  const sources = grid.devices.filter(({ kind }) => SOURCES.has(kind));
  return (
    <section class="panel">
      <h2>Sources</h2>
      <div class="table-scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Source</th>
              <th scope="col">State</th>
              <th scope="col">Breaker</th>
              <th scope="col" class="number">
                kW
              </th>
              <th scope="col" class="number">
                of rating
              </th>
              <th scope="col" class="number">
                for
              </th>
            </tr>
          </thead>
          <tbody>
            {sources.map((device) => (
              <tr key={device.device} class={`look-${lookOf(device)}`}>
                <th scope="row">
                  <a href={linkTo("devices", device.device)}>{device.name}</a>
                </th>
                <td title={device.reason}>{wordsOf(device.state)}</td>
                <td>{breakerOf(device)}</td>
                <td class="number">{fixed(device.activePowerKw)}</td>
                <td class="number">{share(device)}</td>
                <td class="number">{span(grid.plantTimeMs - device.sincePlantTimeMs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function share({ activePowerKw, ratingKw }: DeviceStatus): string {
  if (typeof activePowerKw !== "number" || !(ratingKw > 0)) return NONE;
  return `${fixed((100 * activePowerKw) / ratingKw)} %`;
}
