// The log-mel spectrogram that a voice's `MelSpec` asks for, computed in float64.
//
// Magnitudes of a short-time Fourier transform with a periodic Hann window, weighed by triangles
// of unit area on Slaney's mel scale, and their logarithm, not below that of the floor.

import { Fourier } from "./fourier.js";

// A quarter of a gigabyte.
const MOST_VALUES = 2 ** 26;

/**
 * @param {Float32Array} samples in [-1, 1], at least one
 * @param {object} spec the `mel` of `voice.json`
 * @returns {Float32Array} (frames, n_mels), a frame for every hop begun
 * @throws {Error} the samples are too many
 */
export function logMel(samples, spec) {
  const { n_fft, hop, n_mels } = spec;
  const frames = Math.ceil(samples.length / hop);
  if (frames * n_mels > MOST_VALUES) {
    throw new Error(`${frames} frames are too many; give a shorter recording`);
  }
  const padded = reflected(samples, frames * hop, (n_fft - hop) / 2);
  const window = Float64Array.from(
    { length: n_fft },
    (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / n_fft),
  );
  const bands = triangles(spec);
  const logarithm = spec.log === "log10" ? Math.log10 : Math.log;
  const fourier = new Fourier(n_fft);
  const frame = new Float64Array(n_fft);
  const magnitude = new Float64Array(Math.floor(n_fft / 2) + 1);
  const mel = new Float32Array(frames * n_mels);
  for (let t = 0; t < frames; t += 1) {
    for (let i = 0; i < n_fft; i += 1) frame[i] = padded[t * hop + i] * window[i];
    const { real, imaginary } = fourier.transform(frame);
    for (let i = 0; i < magnitude.length; i += 1) magnitude[i] = Math.hypot(real[i], imaginary[i]);
    bands.forEach(({ first, weights }, band) => {
      let sum = 0;
      for (let i = 0; i < weights.length; i += 1) sum += weights[i] * magnitude[first + i];
      mel[t * n_mels + band] = logarithm(Math.max(sum, spec.floor));
    });
  }
  return mel;
}

/** The smallest value of a log-mel. */
export function logFloor(spec) {
  return spec.log === "log10" ? Math.log10(spec.floor) : Math.log(spec.floor);
}

/** Zeros up to `length`, then both ends reflected over `margin`, repeatedly where it is longer. */
function reflected(samples, length, margin) {
  const period = Math.max(2 * (length - 1), 1);
  return Float64Array.from({ length: length + 2 * margin }, (_, i) => {
    const place = (((i - margin) % period) + period) % period;
    return samples[Math.min(place, period - place)] ?? 0;
  });
}

/** For each band, the weights of the frequencies from `first` up. */
function triangles({ sample_rate, n_fft, n_mels, fmin, fmax }) {
  const [low, high] = [melOf(fmin), melOf(fmax)];
  const corners = Array.from({ length: n_mels + 2 }, (_, i) =>
    frequencyOf(low + ((high - low) * i) / (n_mels + 1)),
  );
  const step = sample_rate / n_fft;
  return Array.from({ length: n_mels }, (_, band) => {
    const [left, middle, right] = corners.slice(band, band + 3);
    const first = Math.ceil(left / step);
    const last = Math.min(Math.floor(right / step), Math.floor(n_fft / 2));
    const weights = Float64Array.from({ length: last - first + 1 }, (_, i) => {
      const frequency = (first + i) * step;
      const rising = (frequency - left) / (middle - left);
      const falling = (right - frequency) / (right - middle);
      return (Math.max(0, Math.min(rising, falling)) * 2) / (right - left);
    });
    return { first, weights };
  });
}

// Slaney, Auditory Toolbox (1998): linear below 1 kHz and logarithmic above.
function melOf(frequency) {
  return frequency < 1000
    ? (3 * frequency) / 200
    : 15 + (27 * Math.log(frequency / 1000)) / Math.log(6.4);
}

function frequencyOf(mel) {
  return mel < 15 ? (200 * mel) / 3 : 1000 * 6.4 ** ((mel - 15) / 27);
}
