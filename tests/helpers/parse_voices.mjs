// node parse_voices.mjs WEB FILE …: runs the page's parsers over files, a line of JSON for each.
// The last line is the most memory that the process had, in bytes.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";

const [web, ...files] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${web}/${name}`));
const [{ read }, { fixed, inputShapes }, { logMel }] = await Promise.all(
  ["archive.js", "model.js", "mel.js"].map(load),
);
const samples = Float32Array.from({ length: 3000 }, (_, i) => Math.sin(i * i));

/** What the page makes of a voice before LiteRT.js takes it, as a checksum. */
async function parsed(file) {
  const { info, model } = await read(basename(file), new Uint8Array(readFileSync(file)));
  const hash = createHash("sha256").update(JSON.stringify(info));
  const states = inputShapes(model, "step");
  for (const [key, frames] of [["start", info.start_frames], ["step", 32], ["end", 0]]) {
    const shapes = { ...states, mel: [1, frames, info.mel.n_mels], audio: [1, frames] };
    hash.update(fixed(model, key, shapes));
  }
  hash.update(logMel(samples, info.mel));
  return hash.digest("hex");
}

for (const file of files) {
  const began = performance.now();
  let verdict;
  try {
    verdict = { made: await parsed(file) };
  } catch (error) {
    verdict = { problem: error.message, kind: error.constructor.name };
  }
  console.log(JSON.stringify({ ...verdict, seconds: (performance.now() - began) / 1000 }));
}
// The system's figure for children counts what their parents had.
const [, most] = readFileSync("/proc/self/status", "utf8").match(/VmHWM:\s+(\d+) kB/);
console.log(1024 * most);
