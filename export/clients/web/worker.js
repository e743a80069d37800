// The worker behind `vocoder.js`: answers each message in turn.

import { logMel } from "./mel.js";
import { Voice } from "./voice.js";

let voice;

const answers = {
  async open({ name, bytes }) {
    const runtime = new URL("../node_modules/@litertjs/core/wasm/", self.location).href;
    voice = await Voice.open(name, new Uint8Array(bytes), runtime);
    return voice.info;
  },
  logMel: ({ samples }) => logMel(samples, voice.info.mel),
  push: ({ mel }) => voice.push(mel),
  finish: () => voice.finish(),
  vocode: ({ mel }) => voice.vocode(mel),
};

let turn = Promise.resolve();

self.onmessage = ({ data }) => {
  turn = turn.then(async () => {
    try {
      self.postMessage({ value: await answers[data.ask](data) });
    } catch (error) {
      self.postMessage({ problem: error.message ?? String(error) });
    }
  });
};
