// The values that `voice.json` can have. They size what is allocated, so they are checked first.

const RANGES = {
  shortest: [1, 2 ** 16],
  start_frames: [1, 2 ** 16],
  lookahead: [0, 2 ** 24],
  size: [1, 2 ** 28],
};
const MEL_RANGES = {
  sample_rate: [1, 384_000],
  n_fft: [1, 2 ** 15],
  hop: [1, 2 ** 15],
  n_mels: [1, 512],
};
// What `mel.js` computes. Other keys are there only where they are not the default.
const MEL_KEYS = [...Object.keys(MEL_RANGES), "fmin", "fmax", "log", "floor"];

/**
 * @param {object} info the values of `voice.json`
 * @param {number} bytes the size of the file
 * @throws {Error} a value is missing, has another type, or is out of its range
 */
export function check(info, bytes) {
  requireWhole(info, RANGES);
  requireWhole(info.mel, MEL_RANGES);
  const other = Object.keys(info.mel).filter((key) => !MEL_KEYS.includes(key));
  if (other.length) throw new Error(`this page computes no mels with ${other.join(", ")}`);
  const { sample_rate, n_fft, hop, fmin, fmax, log, floor } = info.mel;
  const holds =
    info.size <= bytes &&
    [info.name, info.licence, info.weights].every((value) => typeof value === "string") &&
    n_fft >= hop &&
    (n_fft - hop) % 2 === 0 &&
    [fmin, fmax, floor].every(Number.isFinite) &&
    0 <= fmin &&
    fmin < fmax &&
    fmax <= sample_rate / 2 &&
    ["log10", "ln"].includes(log) &&
    1e-30 <= floor &&
    floor < 1;
  if (!holds) throw new Error("a value of voice.json is wrong");
}

function requireWhole(values, ranges) {
  for (const [key, [least, most]] of Object.entries(ranges)) {
    const value = values[key];
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new Error(`${key} of voice.json is not a whole number from ${least} to ${most}`);
    }
  }
}
