/** A verdict in words and as a bar. */

import { type Card, pairProbability, type TrioVerdict, type Verdict } from "../src/index.js";
import { element, percent, rate } from "./dom.js";

export const ORDINALS = ["first", "second", "third"] as const;

/** What a verdict says, for `#verdict`. */
export function verdictParts(card: Card, verdict: Verdict | TrioVerdict): HTMLElement[] {
  const trio = "pairs" in verdict ? verdict : null;
  const calibration = trio ? card.trio! : card.pair;
  const limit = trio ? verdict.threshold : pairProbability(card.pair, verdict.threshold);
  const point = calibration.operating_points[verdict.operatingPoint]!;
  return [
    element("p", { class: `word ${verdict.same ? "same" : "different"}` }, word(verdict, trio)),
    scale(verdict, limit),
    likelihood(verdict, trio),
    ...(trio ? [pairList(trio)] : []),
    ...(verdict.doubt ? [element("p", { class: "doubt" }, `Careful: ${verdict.doubt}.`)] : []),
    element(
      "p",
      { class: "small" },
      `At this threshold ${rate(point.far)} of ${trio ? "trios" : "pairs"} without a match are called the same, and ` +
        `${rate(point.tar)} of those with one. Measured on ${verdict.ratesFrom}.`,
    ),
  ];
}

function word(verdict: Verdict, trio: TrioVerdict | null): string {
  if (!trio) return verdict.same ? "The same kind" : "Different kinds";
  return verdict.same ? "At least two are the same kind" : "All of different kinds";
}

function likelihood(verdict: Verdict, trio: TrioVerdict | null): HTMLElement {
  const question = trio ? "That at least two are the same kind" : "That they are the same kind";
  const share = element("data", { value: String(verdict.probability) }, percent(verdict.probability));
  return element("p", {}, `${question} is `, share, " likely, where yes and no are equally common.");
}

/** The probability as a bar, with a line where the verdict turns. */
function scale(verdict: Verdict, limit: number): HTMLElement {
  const words = `Probability ${verdict.probability.toFixed(2)}, threshold ${limit.toFixed(2)}`;
  const [value, line] = [element("div", { class: "value" }), element("div", { class: "limit" })];
  value.style.width = `${100 * verdict.probability}%`;
  line.style.left = `${100 * limit}%`;
  return element(
    "div",
    { class: `scale ${verdict.same ? "same" : "different"}`, role: "img", "aria-label": words },
    value,
    line,
  );
}

function pairList(trio: TrioVerdict): HTMLElement {
  const lines = trio.pairs.map((pair, n) => {
    const [i, j] = [
      [0, 1],
      [0, 2],
      [1, 2],
    ][n] as [number, number];
    const most = trio.mostAlike[0] === i && trio.mostAlike[1] === j ? ", most alike" : "";
    const said = pair.same ? "the same kind" : "different";
    return element(
      "li",
      {},
      `${ORDINALS[i]} and ${ORDINALS[j]}: ${said}, ${percent(pair.probability)} likely the same${most}`,
    );
  });
  return element("ul", {}, ...lines);
}
