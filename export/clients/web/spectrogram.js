// A log-mel spectrogram as a picture: time to the right, frequency up.

// From dark to bright, in steps of equal lightness: black, violet, rose, apricot, cream.
const COLOURS = [
  [0, 0, 4],
  [40, 17, 89],
  [112, 31, 129],
  [182, 54, 121],
  [238, 96, 96],
  [254, 166, 112],
  [252, 253, 191],
];

/**
 * @param {HTMLCanvasElement} canvas gets a pixel for each value; its style says how large
 * @param {Float32Array} mel (frames, bands)
 * @param {number} bands
 * @param {[number, number]} range the values that are darkest and brightest
 */
export function draw(canvas, mel, bands, [low, high]) {
  const frames = mel.length / bands;
  [canvas.width, canvas.height] = [frames, bands];
  const picture = new ImageData(frames, bands);
  mel.forEach((value, i) => {
    const [frame, band] = [Math.floor(i / bands), i % bands];
    const pixel = (bands - 1 - band) * frames + frame;
    picture.data.set([...colour((value - low) / (high - low)), 255], 4 * pixel);
  });
  canvas.getContext("2d").putImageData(picture, 0, 0);
}

function colour(brightness) {
  const place = Math.min(1, Math.max(0, brightness)) * (COLOURS.length - 1);
  const below = Math.min(Math.floor(place), COLOURS.length - 2);
  const share = place - below;
  return COLOURS[below].map((from, i) => from + share * (COLOURS[below + 1][i] - from));
}
