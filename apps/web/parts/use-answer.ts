import { useEffect, useState } from "preact/hooks";
import { base, request } from "../data/node-link.ts";

export interface Answer<T> {
  readonly value: T | null;
  /** Why there is none, or why it is not renewed; empty where all is well. */
  readonly failure: string;
  readonly isWaiting: boolean;
  readonly again: () => void;
}

/**
 * What a node answers to a question.
 * @param path - Null: nothing is asked.
 * @param everyMs - Asked again so often; absent: when `again` is called, or another node is asked.
 * @param at - Another node than the one that the page follows: its origin.
 */
export function useAnswer<T>(path: string | null, everyMs?: number, at?: string): Answer<T> {
  const [state, setState] = useState<{ value: T | null; failure: string; isWaiting: boolean }>({
    value: null,
    failure: "",
    isWaiting: true,
  });
  const [count, setCount] = useState(0);
  const origin = base.value;
  useEffect(() => {
    if (path === null) return undefined;
    let isGone = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const askOnce = async (): Promise<void> => {
      try {
        const value = await request<T>(path, undefined, at);
        if (!isGone) setState({ value, failure: "", isWaiting: false });
      } catch (error) {
        const failure = error instanceof Error ? error.message : String(error);
        if (!isGone) setState((before) => ({ ...before, failure, isWaiting: false }));
      }
      if (!isGone && everyMs !== undefined) timer = setTimeout(() => void askOnce(), everyMs);
    };
    setState((before) => ({ ...before, isWaiting: true }));
    void askOnce();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [path, everyMs, count, origin, at]);
  return { ...state, again: () => setCount(count + 1) };
}
