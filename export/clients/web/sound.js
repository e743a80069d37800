// Recordings, from files and from the microphone.

/**
 * @param {string} name what messages call it
 * @param {ArrayBuffer} bytes an audio file of any kind that the browser reads
 * @param {number} rate samples per second of the result
 * @returns {Promise<Float32Array>} mono samples
 * @throws {Error} the browser cannot read it, or it is empty
 */
export async function decode(name, bytes, rate) {
  let sound;
  try {
    // A context decodes to its own rate.
    sound = await new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes);
  } catch {
    throw new Error(`${name}: is no sound that this browser can read; give a wav, flac or mp3`);
  }
  if (sound.length === 0) throw new Error(`${name}: holds no samples; give a longer recording`);
  const mono = new Float32Array(sound.length);
  for (let channel = 0; channel < sound.numberOfChannels; channel += 1) {
    const samples = sound.getChannelData(channel);
    for (let i = 0; i < mono.length; i += 1) mono[i] += samples[i] / sound.numberOfChannels;
  }
  return mono;
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
