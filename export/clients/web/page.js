// The page: files and microphone in, pictures and sound out.

import * as archive from "./archive.js";
import { joined } from "./arrays.js";
import { logFloor } from "./mel.js";
import { Player } from "./player.js";
import * as sound from "./sound.js";
import { draw } from "./spectrogram.js";
import { Vocoder } from "./vocoder.js";

// Frames that go to the voice at a time.
const STEP = 32;

const element = (id) => document.getElementById(id);

/**
 * What the page shows: samples and log-mels (frames, bands) of the recording and of what the voice
 * made; and once it has been heard, how many samples were played, and of silence between them.
 */
export const shown = {};

let vocoder;
let player;
let recording; // its name and the bytes of its file, for another voice too
let stopRecording;

async function openVoice(name, bytes) {
  say(`Opening ${name} …`);
  const opened = await Vocoder.open(name, bytes);
  vocoder?.close();
  player?.close();
  vocoder = opened;
  player = await Player.open(vocoder.spec.sample_rate);
  const { info, spec } = vocoder;
  element("voice").textContent =
    `${info.name}, ${info.weights} weights, licence: ${info.licence}. ` +
    `${spec.n_mels} bands, ${spec.sample_rate} Hz; sound lags ` +
    `${((1000 * info.lookahead) / spec.sample_rate).toFixed(0)} ms behind its frames.`;
  say("");
  if (recording) await vocode(recording);
}

async function openSound(name, bytes) {
  if (vocoder) {
    await vocode({ name, bytes });
  } else {
    recording = { name, bytes };
    say("Now open a voice.");
  }
}

async function vocode({ name, bytes }) {
  const { spec } = vocoder;
  say(`Reading ${name} …`);
  // Decoding uses its bytes up.
  const samples = await sound.decode(name, bytes.slice(0), spec.sample_rate);
  recording = { name, bytes };
  enable(false);
  const mel = await vocoder.logMel(samples);
  let loudest = -Infinity;
  for (const value of mel) loudest = Math.max(loudest, value);
  const range = [logFloor(spec), Math.max(loudest, logFloor(spec) + 1)];
  draw(element("recording-mel"), mel, spec.n_mels, range);
  element("recording-facts").textContent =
    `${name}, ${(samples.length / spec.sample_rate).toFixed(1)} s`;
  element("scale").textContent =
    `Log-mel spectrograms, ${spec.fmin} to ${spec.fmax} Hz upwards; ` +
    `dark to bright, ${spec.log} from ${range[0].toFixed(1)} to ${range[1].toFixed(1)}.`;

  say("The voice speaks …");
  const made = await stream(mel, spec.n_mels);
  const madeMel = await vocoder.logMel(made.samples);
  draw(element("voice-mel"), madeMel, spec.n_mels, range);
  const seconds = made.samples.length / spec.sample_rate;
  element("voice-facts").textContent =
    `${(seconds / made.took).toFixed(1)} × real time, ` +
    `first sound after ${(1000 * made.firstAfter).toFixed(0)} ms`;
  Object.assign(shown, { samples, mel, madeSamples: made.samples, madeMel });
  enable(true);
  say("");
}

/** Frames to the voice step by step, and its samples to the player as they exist. */
async function stream(mel, bands) {
  const parts = [];
  const began = performance.now();
  let firstAfter = 0;
  const arrived = (samples) => {
    if (samples.length) firstAfter ||= (performance.now() - began) / 1000;
    parts.push(samples);
    player.push(samples);
  };
  player.start();
  for (let place = 0; place < mel.length; place += STEP * bands) {
    arrived(await vocoder.push(mel.slice(place, place + STEP * bands)));
  }
  arrived(await vocoder.finish());
  const took = (performance.now() - began) / 1000;
  player.end().then(heardAll);
  return { samples: joined(parts), took, firstAfter };
}

function play(samples) {
  player.start();
  player.push(samples);
  player.end().then(heardAll);
}

function heardAll({ played, gaps }) {
  Object.assign(shown, { played, gaps });
  const seconds = (gaps / vocoder.spec.sample_rate).toFixed(1);
  if (gaps) say(`This machine is too slow: silence of ${seconds} s between the samples.`);
}

async function toggleRecording() {
  const button = element("record");
  if (!stopRecording) {
    stopRecording = await sound.record();
    button.textContent = "Stop";
    return;
  }
  const bytes = await stopRecording();
  stopRecording = null;
  button.textContent = "Record";
  await openSound("microphone", bytes);
}

async function open(files) {
  for (const file of files) {
    const isVoice = file.name.endsWith(".tflite");
    (isVoice ? archive : sound).requireSize(file.name, file.size);
    const opens = isVoice ? openVoice : openSound;
    await opens(file.name, await file.arrayBuffer());
  }
}

async function openNamedVoice() {
  const path = new URLSearchParams(location.search).get("voice");
  if (!path) return;
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: is not beside this page (${response.status})`);
  archive.requireSize(path, Number(response.headers.get("Content-Length")));
  await openVoice(path, await response.arrayBuffer());
}

function enable(playing) {
  for (const id of ["play-recording", "play-voice"]) element(id).disabled = !playing;
}

function say(text, problem = false) {
  const status = element("status");
  status.textContent = text;
  status.classList.toggle("problem", problem);
}

// One thing after the other: a second file waits until the first one has been heard of.
let turn = Promise.resolve();

function inTurn(action) {
  turn = turn.then(action).catch((error) => say(error.message, true));
}

if (!window.isSecureContext) {
  say("Browsers give sound to safe pages only: open this one from localhost, or by https.", true);
} else {
  inTurn(openNamedVoice);
}
for (const id of ["voice-file", "sound-file"]) {
  element(id).onchange = ({ target }) => {
    const files = [...target.files];
    target.value = ""; // so that the same file can be opened again
    inTurn(() => open(files));
  };
}
element("record").onclick = () => inTurn(toggleRecording);
element("play-recording").onclick = () => play(shown.samples);
element("play-voice").onclick = () => play(shown.madeSamples);
document.ondragover = (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
};
document.ondragleave = () => document.body.classList.remove("dropping");
document.ondrop = (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  // The voice first, where both are dropped at once.
  const files = [...event.dataTransfer.files];
  inTurn(() => open(files.sort((a) => (a.name.endsWith(".tflite") ? -1 : 1))));
};
