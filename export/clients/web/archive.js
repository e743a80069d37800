// What a voice's file says of itself: the zip archive behind its model holds `voice.json`.

import { check } from "./facts.js";

/** Far beyond any voice. */
export const MOST_BYTES = 2 ** 28;

const ENTRY = "voice.json";
const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const END_SIZE = 22;
const MOST_ENTRY_BYTES = 2 ** 16;

/**
 * @param {string} name what messages call the file
 * @param {Uint8Array} bytes the file
 * @returns {Promise<{info: object, model: Uint8Array}>} the values of `voice.json`, and the model
 * @throws {Error} the file is not a voice, is cut off, or was changed
 */
export async function read(name, bytes) {
  requireSize(name, bytes.length);
  let info;
  try {
    info = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(entry(bytes)));
    check(info, bytes.length);
  } catch {
    throw new Error(
      `${name}: is not a tf-melgan voice, or is damaged; write it with tf-melgan export`,
    );
  }
  const model = bytes.subarray(0, info.size);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", model));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (hex !== info.sha256) {
    throw new Error(`${name}: its checksum is wrong; copy or export it again`);
  }
  return { info, model };
}

/** Refuses a file by its size, before it is read. */
export function requireSize(name, size) {
  if (size > MOST_BYTES) {
    throw new Error(`${name}: has ${size} bytes; a voice has at most ${MOST_BYTES}`);
  }
}

/** The bytes of `voice.json`, which lie alone in the archive and uncompressed. */
function entry(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length - END_SIZE;
  require(view.getUint32(end, true) === END && view.getUint16(end + 10, true) === 1);
  const directory = end - view.getUint32(end + 12, true);
  // Offsets may count from the start of the archive, which stands behind the model.
  const shift = directory - view.getUint32(end + 16, true);
  require(view.getUint32(directory, true) === CENTRAL);
  require(view.getUint16(directory + 10, true) === 0);
  const length = view.getUint16(directory + 28, true);
  const name = bytes.subarray(directory + 46, directory + 46 + length);
  require(new TextDecoder().decode(name) === ENTRY);
  const local = shift + view.getUint32(directory + 42, true);
  require(view.getUint32(local, true) === LOCAL);
  const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  const size = view.getUint32(directory + 24, true);
  require(size <= Math.min(bytes.length - start, MOST_ENTRY_BYTES));
  const content = bytes.subarray(start, start + size);
  require(crc32(content) === view.getUint32(directory + 16, true));
  return content;
}

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

function require(holds) {
  if (!holds) throw new RangeError("damaged");
}
