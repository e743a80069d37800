// A `.tflite` voice, run by LiteRT.js in the realm that loads it: a worker, best.

import { loadAndCompile, loadLiteRt, supportsFeature, Tensor } from "@litertjs/core";

import { read } from "./archive.js";
import { joined } from "./arrays.js";
import { fixed, inputShapes } from "./model.js";

// Frames of the steps that are compiled, largest first; any number is a sum of these. On long
// steps the cost of a call counts least, and with those of 1 no frame waits for others.
const STEPS = [32, 1];

/** Log-mel frames in, as they come; the sound that they complete, at once. */
export class Voice {
  #model;
  #shapes = {};
  #compiled = new Map();
  #waiting = new Float32Array(0);
  #states = null;

  /**
   * @param {string} name what messages call the file
   * @param {Uint8Array} bytes the file
   * @param {string} runtime address of the folder `wasm` of @litertjs/core
   * @returns {Promise<Voice>} with all that a stream needs compiled
   * @throws {Error} the file is not a voice, is damaged, or this LiteRT cannot run it
   */
  static async open(name, bytes, runtime) {
    const { info, model } = await read(name, bytes);
    await load(runtime);
    const voice = new Voice(info, model);
    try {
      voice.#shapes = inputShapes(model, "step");
      await voice.#compile("start", info.start_frames);
      for (const frames of STEPS) await voice.#compile("step", frames);
      await voice.#compile("end", 0);
    } catch (error) {
      const [reason] = String(error.message ?? error).split("\n");
      throw new Error(`${name}: this LiteRT cannot run it (${reason})`);
    }
    return voice;
  }

  constructor(info, model) {
    this.info = info;
    this.#model = model;
  }

  /**
   * @param {Float32Array} mel (frames, n_mels), any number of frames
   * @returns {Promise<Float32Array>} the samples that are complete, perhaps none yet
   * @throws {Error} the samples are not finite; the stream is then as new
   */
  async push(mel) {
    const bands = this.info.mel.n_mels;
    if (mel.length % bands) {
      throw new Error(`mel has ${mel.length} values; give whole frames of ${bands}`);
    }
    let frames = joined([this.#waiting, mel]);
    const sound = [];
    const take = async (signature, count) => {
      sound.push(await this.#advance(signature, frames.subarray(0, count * bands), count));
      frames = frames.subarray(count * bands);
    };
    const first = this.info.start_frames;
    if (!this.#states && frames.length >= first * bands) await take("start", first);
    if (this.#states) {
      for (const count of STEPS) {
        while (frames.length >= count * bands) await take("step", count);
      }
    }
    this.#waiting = frames;
    return joined(sound);
  }

  /** @returns {Promise<Float32Array>} the rest of the sound; the stream is then as new */
  async finish() {
    const rest = this.#states
      ? await this.#advance("end", new Float32Array(0), 0)
      : await this.vocode(this.#waiting);
    this.#reset();
    return rest;
  }

  #reset() {
    this.#drop(this.#states);
    [this.#states, this.#waiting] = [null, new Float32Array(0)];
  }

  /** @param {Float32Array} mel (frames, n_mels) → {Float32Array} all in one call */
  async vocode(mel) {
    const frames = mel.length / this.info.mel.n_mels;
    if (frames === 0) return new Float32Array(0);
    const signature = frames >= this.info.shortest ? "vocode" : "vocode_short";
    const { audio } = await this.#run(signature, mel, frames, {});
    const sound = this.#samples(audio);
    // Another length needs another one.
    (await this.#compile(signature, frames)).delete();
    this.#compiled.delete(`${signature} ${frames}`);
    return sound;
  }

  async #advance(signature, mel, frames) {
    const { audio, ...states } = await this.#run(signature, mel, frames, this.#states ?? {});
    this.#drop(this.#states);
    this.#states = states;
    return this.#samples(audio);
  }

  #samples(audio) {
    const samples = audio.toTypedArray();
    audio.delete();
    if (!samples.every(Number.isFinite)) {
      this.#reset();
      throw new Error("the voice gives NaN or infinite samples; its weights are damaged");
    }
    return samples;
  }

  async #run(signature, mel, frames, states) {
    const compiled = await this.#compile(signature, frames);
    if (!frames) return compiled.run(signature, states);
    const input = new Tensor(mel, [1, frames, this.info.mel.n_mels]);
    try {
      return await compiled.run(signature, { mel: input, ...states });
    } finally {
      input.delete();
    }
  }

  async #compile(signature, frames) {
    const key = `${signature} ${frames}`;
    if (!this.#compiled.has(key)) {
      const { lookahead, mel } = this.info;
      const samples = { start: frames * mel.hop - lookahead, end: lookahead };
      const shapes = {
        ...this.#shapes,
        mel: [1, frames, mel.n_mels],
        audio: [1, samples[signature] ?? frames * mel.hop],
      };
      const model = fixed(this.#model, signature, shapes);
      this.#compiled.set(key, await loadAndCompile(model, { accelerator: "wasm" }));
    }
    return this.#compiled.get(key);
  }

  #drop(states) {
    for (const state of Object.values(states ?? {})) state.delete();
  }
}

async function load(runtime) {
  // Threads need shared memory, which a page has only where its server isolates it.
  const threads = self.crossOriginIsolated && (await supportsFeature("relaxedSimd"));
  // Emscripten looks for its files beside the worker, unless it is told where they are.
  self.Module = {
    locateFile: (file) => runtime + file,
    mainScriptUrlOrBlob: `${runtime}litert_wasm_threaded_internal.js`,
  };
  await loadLiteRt(runtime, { threads });
}
