/** Are these pictures the same kind of thing? A samekind model in the browser. */

export { type Adaptation, FEWEST_PICTURES } from "./adaptation.js";
export { pairProbability, trioProbability } from "./calibration.js";
export type { Adapted, Card, MeasuredOn, OperatingPoint, PairCalibration, TrioCalibration } from "./card.js";
export type { Runtime } from "./encoder.js";
export { AdaptationError, ImageError, ModelFileError, OperatingPointError, SamekindError } from "./errors.js";
export type { Correspondence, ExplainedPair } from "./explain/contributions.js";
export type { TrioVerdict, Verdict } from "./judging.js";
export { type ModelFile, readModel } from "./model-file.js";
export { MAX_PIXELS, type Picture, readPicture } from "./picture.js";
export { type Explanation, load, type LoadOptions, Recognizer } from "./recognizer.js";
export { type Rgb, squashed, upsampled } from "./resample.js";
export { type Embedding, similarity } from "./similarity.js";
