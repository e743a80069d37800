// What a voice's file says of itself: the zip archive behind its model holds `voice.json`.

const ENTRY = "voice.json";
const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const END_SIZE = 22;
const LONGEST_COMMENT = 0xffff;

/**
 * @param {string} name what messages call the file
 * @param {Uint8Array} bytes the file
 * @returns {Promise<{info: object, model: Uint8Array}>} the values of `voice.json`, and the model
 * @throws {Error} the file is no voice, is cut off, or was changed
 */
export async function read(name, bytes) {
  let info;
  try {
    info = JSON.parse(new TextDecoder().decode(entry(bytes, ENTRY)));
  } catch {
    info = {};
  }
  if (!info.mel || !info.sha256 || !(info.size <= bytes.length)) {
    throw new Error(
      `${name}: is no voice of tf-melgan, or is damaged; make it with tf-melgan export`,
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

/** The bytes of a file in an archive, which lie there as they are: `tf-melgan export` stores. */
function entry(bytes, wanted) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = bytes.length - END_SIZE;
  const stop = Math.max(0, end - LONGEST_COMMENT);
  while (end > stop && view.getUint32(end, true) !== END) end -= 1;
  const entries = view.getUint16(end + 10, true);
  // Offsets count from the start of the archive, which stands behind the model.
  const directory = end - view.getUint32(end + 12, true);
  const shift = directory - view.getUint32(end + 16, true);
  for (let place = directory, i = 0; i < entries; i += 1) {
    if (view.getUint32(place, true) !== CENTRAL) break;
    const size = view.getUint32(place + 20, true);
    const [name, extra, comment] = [28, 30, 32].map((at) => view.getUint16(place + at, true));
    const path = new TextDecoder().decode(bytes.subarray(place + 46, place + 46 + name));
    if (path === wanted) {
      const local = shift + view.getUint32(place + 42, true);
      const lead = 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
      return bytes.subarray(local + lead, local + lead + size);
    }
    place += 46 + name + extra + comment;
  }
  throw new Error(`no ${wanted}`);
}
