// Plays what arrives, in order, from the moment it is there.

class Player extends AudioWorkletProcessor {
  #waiting = [];
  #place = 0;
  #ended = true;
  #played = 0;
  #gaps = 0;

  constructor() {
    super();
    this.port.onmessage = ({ data }) => this[data.ask](data);
  }

  /** Forgets what waits and begins anew. */
  start() {
    this.#waiting = [];
    [this.#place, this.#played, this.#gaps, this.#ended] = [0, 0, 0, false];
  }

  push({ samples }) {
    if (samples.length) this.#waiting.push(samples);
  }

  /** No more will be pushed. */
  end() {
    this.#ended = true;
    if (!this.#waiting.length) this.#report();
  }

  process(_, [[output]]) {
    let filled = 0;
    while (filled < output.length && this.#waiting.length) {
      const [first] = this.#waiting;
      const part = first.subarray(this.#place, this.#place + output.length - filled);
      output.set(part, filled);
      filled += part.length;
      this.#place += part.length;
      if (this.#place === first.length) {
        this.#waiting.shift();
        this.#place = 0;
      }
    }
    const before = this.#played;
    this.#played += filled;
    if (filled && !this.#waiting.length && this.#ended) this.#report();
    if (before && filled < output.length && !this.#ended) this.#gaps += output.length - filled;
    return true;
  }

  #report() {
    this.port.postMessage({ played: this.#played, gaps: this.#gaps });
  }
}

registerProcessor("player", Player);
