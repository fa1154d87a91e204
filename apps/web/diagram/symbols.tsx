import type { JSX } from "preact";
import type { DeviceStatus } from "../data/messages.ts";
import { breakerOf, isNumber, lookOf } from "./device-look.ts";

/** Symbols of the single-line diagram, after IEC 60617. Each is centred on (x, y) and takes its colours from the surrounding classes. */

interface At {
  readonly x: number;
  readonly y: number;
}

const BREAKER = 14;

/** Filled: closed. Hollow: open. Hatched with a question mark: its position is not known. */
export function Breaker({ x, y, device }: At & { readonly device: DeviceStatus }): JSX.Element {
  const position = breakerOf(device);
  const half = BREAKER / 2;
  return (
    <g class={`breaker breaker-${position}`}>
      <rect x={x - half} y={y - half} width={BREAKER} height={BREAKER} rx="1" />
      {position === "unknown" ? (
        <text x={x} y={y + 4} class="breaker-mark">
          ?
        </text>
      ) : null}
    </g>
  );
}

/** The way in which power flows along a vertical conductor. */
export function FlowArrow({ x, y, isDown }: At & { readonly isDown: boolean }): JSX.Element {
  const tip = isDown ? y + 5 : y - 5;
  const base = isDown ? y - 4 : y + 4;
  return <path class="flow" d={`M${x - 5} ${base}h10L${x} ${tip}z`} />;
}

export const SYMBOL_RADIUS = 19;

export function DeviceSymbol({
  x,
  y,
  device,
}: At & { readonly device: DeviceStatus }): JSX.Element {
  const { kind } = device;
  if (kind === "battery") return <Battery x={x} y={y} device={device} />;
  if (kind === "feeder") return <Feeder x={x} y={y} />;
  if (kind === "breaker" || kind === "busTie") return <OtherBus x={x} y={y} />;
  return (
    <g class="symbol">
      {kind === "shore" || kind === "pv" ? (
        <rect x={x - 19} y={y - 19} width="38" height="38" rx="2" />
      ) : (
        <circle cx={x} cy={y} r={SYMBOL_RADIUS} />
      )}
      <Glyph x={x} y={y} kind={kind} />
    </g>
  );
}

function Glyph({ x, y, kind }: At & { readonly kind: string }): JSX.Element {
  switch (kind) {
    case "shore":
      // Plug and pins.
      return (
        <path
          class="glyph"
          d={`M${x - 7} ${y - 11}v6M${x + 7} ${y - 11}v6M${x - 11} ${y - 5}h22v5a11 9 0 0 1-22 0zM${x} ${y + 9}v6`}
        />
      );
    case "pv":
      return (
        <path
          class="glyph"
          d={`M${x - 13} ${y + 13}L${x + 13} ${y - 13}M${x - 12} ${y - 7}h8M${x + 4} ${y + 6}q3 -6 5 0t5 0`}
        />
      );
    case "thruster":
      return (
        <text class="letter" x={x} y={y + 6}>
          M
        </text>
      );
    default:
      return (
        <>
          <text class="letter" x={x} y={y + 2}>
            G
          </text>
          <path class="glyph" d={`M${x - 8} ${y + 10}q4 -6 8 0t8 0`} />
        </>
      );
  }
}

function Feeder({ x, y }: At): JSX.Element {
  return (
    <path class="symbol feeder" d={`M${x} ${y - 19}v22M${x - 11} ${y + 3}h22L${x} ${y + 19}z`} />
  );
}

/** What stands behind a breaker within or between busbars: another busbar. */
function OtherBus({ x, y }: At): JSX.Element {
  return <path class="symbol feeder" d={`M${x} ${y - 19}v22M${x - 22} ${y + 3}h44v5h-44z`} />;
}

/** Filled to its state of charge. */
function Battery({ x, y, device }: At & { readonly device: DeviceStatus }): JSX.Element {
  const soc = isNumber(device.socPct) ? Math.max(0, Math.min(100, device.socPct)) : null;
  const height = 36;
  const level = soc === null ? 0 : (height * soc) / 100;
  return (
    <g class="symbol">
      <rect x={x - 6} y={y - 23} width="12" height="5" class="pole" />
      <rect x={x - 16} y={y - 18} width="32" height={height} rx="2" />
      <rect
        class="charge"
        x={x - 14}
        y={y + 18 - level}
        width="28"
        height={Math.max(0, level - 2)}
      />
      <text class="soc" x={x} y={y + 5}>
        {soc === null ? "?" : `${Math.round(soc)}%`}
      </text>
    </g>
  );
}

/**
 * Power against rating, with the set-point that R-EMS holds as a tick. A battery's has its nought in the middle: it charges below it.
 */
export function LoadBar({
  x,
  y,
  device,
}: At & { readonly device: DeviceStatus }): JSX.Element | null {
  const { ratingKw, activePowerKw, kind, levels } = device;
  if (!(ratingKw > 0)) return null;
  const height = 40;
  const top = y - height / 2;
  const isTwoWay = kind === "battery";
  const at = (kw: number): number => {
    const share = Math.max(isTwoWay ? -1 : 0, Math.min(1, kw / ratingKw));
    return isTwoWay ? y - (share * height) / 2 : top + height - share * height;
  };
  const zero = at(0);
  const now = isNumber(activePowerKw) ? at(activePowerKw) : zero;
  const setpoint =
    levels["powerSetpointKw"] ?? levels["powerReferenceKw"] ?? levels["powerLimitKw"];
  const isOver = isNumber(activePowerKw) && Math.abs(activePowerKw) > ratingKw;
  return (
    <g class={isOver ? "load-bar over" : "load-bar"}>
      <rect class="bar-ground" x={x} y={top} width="6" height={height} />
      <rect class="bar" x={x} y={Math.min(zero, now)} width="6" height={Math.abs(zero - now)} />
      {isTwoWay ? <path class="bar-zero" d={`M${x - 2} ${zero}h10`} /> : null}
      {isNumber(setpoint) && lookOf(device) === "on" ? (
        <path class="bar-set" d={`M${x + 7} ${at(setpoint)}l5 -3.5v7z`} />
      ) : null}
    </g>
  );
}
