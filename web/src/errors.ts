/** Every error that this package raises on purpose. The message says what is wrong and what to do. */
export class SamekindError extends Error {
  override name = "SamekindError";
}

/** A picture that cannot be read. */
export class ImageError extends SamekindError {
  override name = "ImageError";
}

/** A model file that is broken, changed, foreign, or of a newer format. */
export class ModelFileError extends SamekindError {
  override name = "ModelFileError";
}

/** Pictures to which a model cannot be adapted, or a model that cannot be adapted. */
export class AdaptationError extends SamekindError {
  override name = "AdaptationError";
}

/** A threshold's name that the model does not have, or trios for a model of pairs. */
export class OperatingPointError extends SamekindError {
  override name = "OperatingPointError";
}
