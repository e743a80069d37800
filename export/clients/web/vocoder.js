// A voice in a worker of its own: what a page calls.

/** Log-mel frames in, as they come; the sound that they complete, at once. */
export class Vocoder {
  #worker = new Worker(new URL("dist/worker.js", import.meta.url));
  #asked = [];

  /**
   * @param {string} name what messages call the file
   * @param {ArrayBuffer} bytes the file; it goes over to the worker
   * @throws {Error} the file is not a voice, is damaged, or this browser cannot run it
   */
  static async open(name, bytes) {
    const vocoder = new Vocoder();
    try {
      vocoder.info = await vocoder.#ask({ ask: "open", name, bytes }, [bytes]);
    } catch (error) {
      vocoder.close();
      throw error;
    }
    vocoder.spec = vocoder.info.mel;
    return vocoder;
  }

  constructor() {
    this.#worker.onmessage = ({ data }) => {
      const { resolve, reject } = this.#asked.shift();
      if (data.problem) reject(new Error(data.problem));
      else resolve(data.value);
    };
    this.#worker.onerror = (event) => {
      const problem = new Error(event.message ?? "dist/worker.js is missing; run npm install");
      for (const { reject } of this.#asked.splice(0)) reject(problem);
    };
  }

  /** Float32Array of samples at `spec.sample_rate` → Float32Array (frames, n_mels). */
  logMel(samples) {
    return this.#ask({ ask: "logMel", samples });
  }

  /** Float32Array (frames, n_mels), any number of frames → Float32Array, perhaps none yet. */
  push(mel) {
    return this.#ask({ ask: "push", mel });
  }

  /** The rest of the sound; the stream is then as new. */
  finish() {
    return this.#ask({ ask: "finish" });
  }

  /** All frames in one call; `push` and `finish` need far less memory for long ones. */
  vocode(mel) {
    return this.#ask({ ask: "vocode", mel });
  }

  /** Frees the memory of the voice. */
  close() {
    this.#worker.terminate();
  }

  #ask(message, transferred = []) {
    return new Promise((resolve, reject) => {
      this.#asked.push({ resolve, reject });
      this.#worker.postMessage(message, transferred);
    });
  }
}
