import type { JSX } from "preact";

/** A text whose parts between backticks are names to be typed: `r-emsctl status`. */
export function WithCode({ text }: { text: string }): JSX.Element {
  return (
    <>
      {text
        .split("`")
        .map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part))}
    </>
  );
}
