// Sound out, while it is being made.

/** Samples in, in order; the loudspeaker plays them as they come. */
export class Player {
  #context;
  #node;
  #ended = () => {};

  /** @param {number} rate samples per second; the browser converts to what the device has */
  static async open(rate) {
    const player = new Player(new AudioContext({ sampleRate: rate }));
    await player.#context.audioWorklet.addModule(new URL("worklet.js", import.meta.url));
    player.#node = new AudioWorkletNode(player.#context, "player", {
      numberOfInputs: 0,
      outputChannelCount: [1],
    });
    player.#node.port.onmessage = ({ data }) => player.#ended(data);
    player.#node.connect(player.#context.destination);
    return player;
  }

  constructor(context) {
    this.#context = context;
  }

  /** Stops what plays and begins anew. */
  start() {
    // Browsers let a page be heard only after a click or key; until then the samples wait.
    this.#context.resume();
    this.#node.port.postMessage({ ask: "start" });
  }

  push(samples) {
    this.#node.port.postMessage({ ask: "push", samples });
  }

  /**
   * No more will be pushed.
   * @returns {Promise<{played: number, gaps: number}>} once all has been heard: how many samples,
   *   and how many of silence between them since they came too late
   */
  end() {
    this.#node.port.postMessage({ ask: "end" });
    return new Promise((resolve) => {
      this.#ended = resolve;
    });
  }

  close() {
    this.#context.close();
  }
}
