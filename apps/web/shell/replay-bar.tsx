import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { GetPositionResponse, MoveResponse } from "../data/messages.ts";
import {
  base,
  lookAtPresent,
  lookAtRecording,
  replayAtMs,
  replayed,
  request,
  send,
} from "../data/node-link.ts";
import { paths } from "../data/paths.ts";
import { forgetAll } from "../data/store.ts";
import { dateUtc } from "../parts/format.ts";
import { tell } from "../parts/notices.tsx";
import { go } from "./route.ts";

const PLAY_MS = 1000;

type Move = Readonly<Record<string, unknown>>;

/** Above every page while a recording is looked at: where it stands, and what moves it. */
export function ReplayBar(): JSX.Element | null {
  const name = replayed.value;
  return name === "" ? null : <Bar name={name} key={name} />;
}

/** Opens a recording of the node that is asked now: every page shows it until the present is asked for again. */
export function openReplay(name: string): void {
  tell(`Opening ${name} …`);
  send<{ base: string }>("POST", paths.incidentReplay(name), {}, base.peek()).then(
    ({ base: prefix }) => {
      forgetAll();
      lookAtRecording(name, prefix);
      go("/");
    },
    (error: unknown) => tell(error instanceof Error ? error.message : String(error), true),
  );
}

function closeReplay(): void {
  forgetAll();
  replayAtMs.value = 0;
  const origin = lookAtPresent();
  void send("DELETE", paths.replay, {}, origin).catch(() => {});
  go("/incidents");
}

function Bar({ name }: { name: string }): JSX.Element {
  const [place, keepPlace] = useState<GetPositionResponse | null>(null);
  const setPlace = (next: GetPositionResponse): void => {
    replayAtMs.value = next.positions[0]?.wallTimeMs ?? 0;
    keepPlace(next);
  };
  const [isPlaying, setIsPlaying] = useState(false);
  const [isMoving, setIsMoving] = useState(false);
  const move = async (to: Move): Promise<void> => {
    setIsMoving(true);
    try {
      const answer = await request<MoveResponse>(paths.replayMove, to);
      setPlace(answer);
      if (answer.reason !== "") tell(answer.reason);
      if (!answer.isFound) setIsPlaying(false);
    } catch (error) {
      setIsPlaying(false);
      tell(error instanceof Error ? error.message : String(error), true);
    }
    setIsMoving(false);
  };
  useEffect(() => {
    request<GetPositionResponse>(paths.replay).then(setPlace, () => {});
  }, []);
  useEffect(() => {
    if (!isPlaying || isMoving) return undefined;
    const timer = setTimeout(() => void move({ seconds: 1 }), PLAY_MS);
    return () => clearTimeout(timer);
  }, [isPlaying, isMoving]);
  const first = place?.positions[0];
  const step = (label: string, to: Move, hint: string): JSX.Element => (
    <button
      type="button"
      class="small"
      title={hint}
      disabled={isMoving}
      onClick={() => void move(to)}
    >
      {label}
    </button>
  );
  return (
    <section class="replay-bar" aria-label="Replay of a recording">
      <strong>REPLAY</strong>
      <span class="quiet">{name}</span>
      <span class="replay-buttons">
        {step("−10 s", { seconds: -10 }, "Ten seconds back")}
        {step("−1 s", { seconds: -1 }, "One second back")}
        <button
          type="button"
          class="small"
          aria-pressed={isPlaying}
          onClick={() => setIsPlaying(!isPlaying)}
        >
          {isPlaying ? "Pause" : "Play"}
        </button>
        {step("+1 s", { seconds: 1 }, "One second ahead")}
        {step("+10 s", { seconds: 10 }, "Ten seconds ahead")}
        {step("Next alarm", { until: "alarm" }, "Ahead to the next alarm")}
        {step("Next failover", { until: "failover" }, "Ahead to the next change of leader")}
      </span>
      {first === undefined ? null : (
        <>
          <input
            type="range"
            aria-label="Place in the recording"
            aria-valuetext={dateUtc(first.wallTimeMs)}
            min="0"
            max={first.frameCount}
            value={first.frameIndex}
            onChange={(event) => {
              const frames = Number(event.currentTarget.value) - first.frameIndex;
              void move({ grid: first.grid, frames });
            }}
          />
          <time>{dateUtc(first.wallTimeMs)} UTC</time>
        </>
      )}
      <button type="button" class="small" onClick={closeReplay}>
        Back to the present
      </button>
    </section>
  );
}
