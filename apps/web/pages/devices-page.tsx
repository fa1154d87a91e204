import type { JSX } from "preact";
import { breakerOf, hasBreaker, kindName, lookOf } from "../diagram/device-look.ts";
import { devices, status } from "../data/store.ts";
import { fixed, NONE, wordsOf } from "../parts/format.ts";
import { NodeStart } from "../parts/node-start.tsx";
import { linkTo, route } from "../shell/route.ts";
import { DevicePage } from "./device/device-page.tsx";

export default function DevicesPage(): JSX.Element {
  if (status.value === null) return <NodeStart />;
  const { rest } = route.value;
  return rest === "" ? <DeviceTable /> : <DevicePage id={rest} key={rest} />;
}

function DeviceTable(): JSX.Element {
  return (
    <>
      <div class="page-head">
        <h1>Devices</h1>
        <p>{devices.value.length} in all</p>
        <a href={linkTo("points")}>All their points</a>
      </div>
      <section class="panel table-scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Device</th>
              <th scope="col">Kind</th>
              <th scope="col">Grid</th>
              <th scope="col">State</th>
              <th scope="col">Breaker</th>
              <th scope="col" class="number">
                Power, kW
              </th>
              <th scope="col" class="number">
                Rating, kW
              </th>
              <th scope="col">Connection</th>
              <th scope="col">Because</th>
            </tr>
          </thead>
          <tbody>
            {devices.value.map((device) => (
              <tr key={device.device} class={`look-${lookOf(device)}`}>
                <th scope="row">
                  <a href={linkTo("devices", device.device)}>{device.name}</a>
                </th>
                <td>{kindName(device.kind)}</td>
                <td>{device.grid.grid}</td>
                <td>{wordsOf(device.state)}</td>
                <td>{hasBreaker(device.kind) ? breakerOf(device) : NONE}</td>
                <td class="number">{fixed(device.activePowerKw)}</td>
                <td class="number">{device.ratingKw > 0 ? fixed(device.ratingKw) : NONE}</td>
                <td>
                  {device.connection === "online" ? "online" : <strong>{device.connection}</strong>}
                </td>
                <td class="quiet">{device.reason}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}
