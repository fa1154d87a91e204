import type { JSX } from "preact";
import { PointTable } from "../parts/point-table.tsx";

export default function PointsPage(): JSX.Element {
  return (
    <>
      <div class="page-head">
        <h1>Points</h1>
        <p>of every device, live, five times a second</p>
      </div>
      <PointTable device="" hasSearch />
    </>
  );
}
