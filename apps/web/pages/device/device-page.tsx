import type { JSX } from "preact";
import type { Device, Transition } from "../../data/messages.ts";
import { pointWords, unitOfPoint } from "../../data/history.ts";
import { paths } from "../../data/paths.ts";
import { devices, topology, type PlacedDevice } from "../../data/store.ts";
import { breakerOf, hasBreaker, isNumber, kindName, lookOf } from "../../diagram/device-look.ts";
import { capital, fixed, span, wordsOf } from "../../parts/format.ts";
import { Offers } from "../../parts/offers.tsx";
import { PointTable } from "../../parts/point-table.tsx";
import { SmallTrend } from "../../parts/small-trend.tsx";
import { TransitionList } from "../../parts/transition-list.tsx";
import { useAnswer } from "../../parts/use-answer.ts";
import { linkTo } from "../../shell/route.ts";
import { DeviceAlarms } from "./device-alarms.tsx";
import "./device-page.css";

interface Why {
  readonly reasons: readonly string[];
  readonly transitions: readonly Transition[];
}

export function DevicePage({ id }: { id: string }): JSX.Element {
  const device = devices.value.find((one) => one.device === id);
  const why = useAnswer<Why>(device === undefined ? null : paths.why(device.address), 2000);
  if (device === undefined) {
    return (
      <section class="panel empty">
        <h1>There is no device “{id}”</h1>
        <p>
          <a href={linkTo("devices")}>All devices</a> of the node that answers
        </p>
      </section>
    );
  }
  return (
    <div class="device-page">
      <DeviceHead device={device} />
      <div class="columns">
        <div class="stack">
          <section class="panel">
            <h2>Why</h2>
            <ul class="reasons">
              {(why.value?.reasons ?? [device.reason]).map((reason) => (
                <li key={reason}>{reason}</li>
              ))}
            </ul>
          </section>
          <Commands device={device} />
          <DeviceAlarms address={device.address} />
          <section class="panel">
            <h2>Last transitions</h2>
            <TransitionList transitions={why.value?.transitions ?? []} />
          </section>
        </div>
        <div class="stack">
          {isNumber(device.activePowerKw) ? (
            <section class="panel">
              <h2>Power, last 15 minutes</h2>
              <SmallTrend
                grid={device.grid.grid}
                point={`${device.device}.activePowerKw`}
                unit="kW"
              />
            </section>
          ) : null}
          <Facts device={device} />
        </div>
      </div>
      <h2 class="section-title">Points</h2>
      <PointTable device={device.device} hasSearch={false} />
    </div>
  );
}

function DeviceHead({ device }: { device: PlacedDevice }): JSX.Element {
  const { name, kind, state, grid, activePowerKw, ratingKw, socPct } = device;
  return (
    <section class={`panel device-head look-${lookOf(device)}`}>
      <div>
        <h1>{name}</h1>
        <p class="quiet">
          {capital(kindName(kind))} of <a href={linkTo("grids", grid.grid)}>{grid.name}</a>
        </p>
      </div>
      <dl class="figures">
        <div>
          <dt>State</dt>
          <dd>{wordsOf(state)}</dd>
        </div>
        <div>
          <dt>Since</dt>
          <dd>{span(grid.plantTimeMs - device.sincePlantTimeMs)}</dd>
        </div>
        {hasBreaker(kind) ? (
          <div>
            <dt>Breaker</dt>
            <dd>{breakerOf(device)}</dd>
          </div>
        ) : null}
        {isNumber(activePowerKw) ? (
          <div>
            <dt>Power</dt>
            <dd>
              {fixed(activePowerKw)}{" "}
              <small>{ratingKw > 0 ? `of ${fixed(ratingKw)} kW` : "kW"}</small>
            </dd>
          </div>
        ) : null}
        {isNumber(socPct) ? (
          <div>
            <dt>Charge</dt>
            <dd>
              {fixed(socPct)} <small>%</small>
            </dd>
          </div>
        ) : null}
      </dl>
    </section>
  );
}

function Commands({ device }: { device: PlacedDevice }): JSX.Element {
  const { grid } = device;
  const found = topology.value?.busbars
    .flatMap((busbar) => busbar.devices)
    .find((one) => one.device === device.device);
  return (
    <section class="panel">
      <h2>Commands</h2>
      <Offers grid={grid} target={device} offers={found?.offers ?? []} />
      <p class="quiet note">
        Each is first put to the controller on a copy of its state; what it would answer stands in
        the question.{" "}
        {grid.mode === "AUTO"
          ? "In AUTO R-EMS itself starts and stops: it may undo what is commanded here."
          : ""}
      </p>
    </section>
  );
}

function Facts({ device }: { device: PlacedDevice }): JSX.Element {
  const answer = useAnswer<{ devices: readonly Device[] }>(paths.devices(device.device));
  const config = answer.value?.devices[0];
  const levels = Object.entries(device.levels);
  return (
    <section class="panel">
      <h2>On the wire</h2>
      <dl class="facts">
        <dt>Connection</dt>
        <dd>{device.connection}</dd>
        {config === undefined ? null : (
          <>
            <dt>Address</dt>
            <dd>
              {config.host}:{config.port}, unit {config.unitId}
            </dd>
            <dt>Profile</dt>
            <dd>{config.profile}</dd>
          </>
        )}
        <dt>Actor</dt>
        <dd>
          <a href={linkTo("actors", device.address)}>{device.address}</a>
        </dd>
        {levels.map(([point, value]) => (
          <>
            <dt key={point}>Held: {pointWords(point)}</dt>
            <dd>
              {fixed(value, 1)} {unitOfPoint(point)}
            </dd>
          </>
        ))}
      </dl>
    </section>
  );
}
