// Recordings, from files and from the microphone.

/** What the page can draw and keep in memory: ten minutes, and their bytes as a wav in stereo. */
const MOST_SECONDS = 600;
const MOST_BYTES = 2 ** 28;

/**
 * @param {string} name what messages call it
 * @param {ArrayBuffer} bytes an audio file of any kind that the browser reads
 * @param {number} rate samples per second of the result
 * @returns {Promise<Float32Array>} mono samples
 * @throws {Error} the browser cannot decode it, or it is empty, too long or not finite
 */
export async function decode(name, bytes, rate) {
  let sound;
  try {
    // A context decodes to its own rate.
    sound = await new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes);
  } catch {
    throw new Error(`${name}: cannot be decoded; give a wav, flac, ogg or mp3 recording`);
  }
  if (sound.length === 0) throw new Error(`${name}: has no samples; give a longer recording`);
  if (sound.duration > MOST_SECONDS) {
    throw new Error(
      `${name}: lasts ${Math.ceil(sound.duration)} s; give at most ${MOST_SECONDS} s at a time`,
    );
  }
  const mono = new Float32Array(sound.length);
  for (let channel = 0; channel < sound.numberOfChannels; channel += 1) {
    const samples = sound.getChannelData(channel);
    for (let i = 0; i < mono.length; i += 1) mono[i] += samples[i] / sound.numberOfChannels;
  }
  if (!mono.every(Number.isFinite)) {
    throw new Error(`${name}: holds NaN or infinite samples; give finite ones within [-1, 1]`);
  }
  return mono;
}

/** Refuses a file by its size, before it is read. */
export function requireSize(name, size) {
  if (size > MOST_BYTES) {
    throw new Error(`${name}: has ${size} bytes; give a recording of at most ${MOST_BYTES}`);
  }
}

/** Records from the microphone until the function that it gives is called. */
export async function record() {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  } catch (error) {
    throw new Error(`the microphone cannot be used (${error.message}); allow it, or open a file`);
  }
  const recorder = new MediaRecorder(stream);
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  recorder.start();
  return () =>
    new Promise((resolve) => {
      recorder.onstop = () => {
        for (const track of stream.getTracks()) track.stop();
        resolve(new Blob(parts).arrayBuffer());
      };
      recorder.stop();
    });
}
