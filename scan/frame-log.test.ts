import { describe, expect, it } from "vitest";
import { encodeFrame, type EncodedFrame } from "../kernel/frame.ts";
import { HASH_NONE } from "../kernel/hash.ts";
import { createFrameLog } from "./frame-log.ts";

/** A chain of `count` frames that begins with sequence 1. */
function chain(count: number, epoch = 1): EncodedFrame[] {
  const frames: EncodedFrame[] = [];
  for (let sequence = 1; sequence <= count; sequence++) {
    frames.push(
      encodeFrame({
        grid: "port",
        epoch,
        sequence,
        previousHash: frames.at(-1)?.position.hash ?? HASH_NONE,
        plantTimeMs: sequence * 100,
        wallTimeMs: 0,
        isFirstOfEpoch: sequence === 1,
        points: [],
        connections: [],
        fates: [],
        requests: [],
        messages: [],
        facts: [],
        leadership: null,
      }),
    );
  }
  return frames;
}

function logOf(frames: readonly EncodedFrame[], countMax: number) {
  const log = createFrameLog(countMax);
  for (const frame of frames) log.append(frame);
  return log;
}

const sequences = (frames: readonly EncodedFrame[] | null) =>
  frames?.map(({ position }) => position.sequence) ?? null;

describe("the frame log", () => {
  const frames = chain(10);
  const at = (sequence: number) =>
    frames[sequence - 1]?.position ?? { epoch: 0, sequence: 0, hash: "" };

  it("gives what follows a position that it holds", () => {
    expect(sequences(logOf(frames, 20).after(at(7)))).toEqual([8, 9, 10]);
    expect(sequences(logOf(frames, 20).after(at(10)))).toEqual([]);
  });

  it("knows by the chain that another holds the same frame, even one that it has forgotten itself", () => {
    expect(sequences(logOf(frames, 4).after(at(6)))).toEqual([7, 8, 9, 10]);
    expect(logOf(frames, 4).after(at(5))).toBeNull();
  });

  it("gives nothing to whoever holds another frame at that place, or is ahead", () => {
    const other = chain(10, 2);
    expect(logOf(frames, 20).after(other[6]?.position ?? at(1))).toBeNull();
    expect(logOf(frames, 20).after(other[9]?.position ?? at(1))).toBeNull();
    expect(logOf(frames.slice(0, 5), 20).after(at(7))).toBeNull();
  });

  it("refuses a gap: sequences are consecutive", () => {
    const log = logOf(frames.slice(0, 3), 20);
    expect(() => log.append(frames[5] as EncodedFrame)).toThrow("consecutive");
  });

  it("stands at the position of a snapshot with no frame held", () => {
    const log = createFrameLog(4);
    log.reset(at(6));
    expect(log.last()).toEqual(at(6));
    expect(log.at(6)).toBeNull();
    log.append(frames[6] as EncodedFrame);
    expect(sequences(log.after(at(6)))).toEqual([7]);
  });
});
