import { inWords, sentenceOf, type Reason } from "../../energy/reason.ts";

/** One sentence of `why`, and the reasons that it is made of: none where it only tells a state. */
export interface WhyLine {
  readonly text: string;
  readonly because: readonly Reason[];
}

export const plainly = (text: string): WhyLine => ({ text, because: [] });

/** A sentence for each. */
export const said = (reasons: readonly Reason[]): WhyLine[] =>
  reasons.map((reason) => ({ text: sentenceOf(reason), because: [reason] }));

/** One sentence of all. */
export const together = (lead: string, reasons: readonly Reason[]): WhyLine => ({
  text: `${lead}: ${inWords(reasons)}`,
  because: reasons,
});
