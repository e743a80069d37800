// One signature of a `.tflite` model, with its lengths fixed.
//
// LiteRT.js runs signatures by name but takes no length that varies: its tensors of outputs are
// made from the sizes in the file, where -1 stands for those. So the sizes are written into a copy
// of the file before it is compiled, and the other signatures are left out of that copy, since
// each compiled signature packs the weights anew. A `.tflite` is a flatbuffer: numbers little
// endian, an offset counts from its own place, a table starts with the distance to its vtable.

const MODEL = { subgraphs: 2, signatures: 7 };
const SUBGRAPH = { tensors: 0 };
const TENSOR = { shape: 0, shapeSignature: 7 };
const SIGNATURE = { inputs: 0, outputs: 1, key: 2, subgraph: 4 };
const ENTRY = { name: 0, tensor: 1 };
// Far beyond any voice: how many elements vectors have, and texts bytes.
const MOST = 2 ** 16;
const MOST_SIGNATURES = 16;

/**
 * @param {Uint8Array} model a `.tflite` file
 * @param {string} key the signature to keep
 * @param {Object<string, number[]>} shapes sizes by name, for its inputs and outputs that vary
 * @returns {Uint8Array} a model with that signature alone
 * @throws {RangeError} the model is damaged, or has no such signature or shapes
 */
export function fixed(model, key, shapes) {
  const file = new Flatbuffer(model.slice());
  const kept = signature(file, key);
  for (const [name, tensor] of [...kept.inputs, ...kept.outputs]) {
    if (shapes[name]) {
      file.writeVector(tensor, TENSOR.shape, shapes[name]);
      file.writeVector(tensor, TENSOR.shapeSignature, shapes[name]);
    }
  }
  const index = file.field(kept.table, SIGNATURE.subgraph);
  if (index) file.view.setUint32(index, 0, true);
  file.keepOnly(file.root, MODEL.signatures, kept.table);
  file.keepOnly(file.root, MODEL.subgraphs, kept.subgraph);
  return file.bytes;
}

/**
 * @param {Uint8Array} model a `.tflite` file
 * @param {string} key a signature
 * @returns {Object<string, number[]>} the sizes of its inputs by name, as the file has them
 * @throws {RangeError} the model is damaged, or has no such signature
 */
export function inputShapes(model, key) {
  const file = new Flatbuffer(model);
  const { inputs } = signature(file, key);
  return Object.fromEntries(
    inputs.map(([name, tensor]) => [name, file.readVector(tensor, TENSOR.shape)]),
  );
}

function signature(file, key) {
  const tables = file.tables(file.root, MODEL.signatures, MOST_SIGNATURES);
  const table = present(tables.find((one) => file.text(one, SIGNATURE.key) === key));
  const subgraphs = file.tables(file.root, MODEL.subgraphs);
  const subgraph = present(subgraphs[file.number(table, SIGNATURE.subgraph)]);
  const tensors = file.tables(subgraph, SUBGRAPH.tensors);
  const entries = (field) =>
    file
      .tables(table, field)
      .map((entry) => [
        file.text(entry, ENTRY.name),
        present(tensors[file.number(entry, ENTRY.tensor)]),
      ]);
  return {
    table,
    subgraph,
    inputs: entries(SIGNATURE.inputs),
    outputs: entries(SIGNATURE.outputs),
  };
}

/** A place in the file, which a damaged one may lack. */
function present(place) {
  require(place);
  return place;
}

function require(holds) {
  if (!holds) throw new RangeError("the model is damaged");
}

class Flatbuffer {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.root = this.target(0);
  }

  target(place) {
    return place + this.view.getUint32(place, true);
  }

  /** Where a table has a field; 0 where it has none. */
  field(table, index) {
    const vtable = table - this.view.getInt32(table, true);
    const entry = 4 + 2 * index;
    if (entry >= this.view.getUint16(vtable, true)) return 0;
    const offset = this.view.getUint16(vtable + entry, true);
    return offset && table + offset;
  }

  number(table, index) {
    const place = this.field(table, index);
    return place && this.view.getUint32(place, true);
  }

  /** Where the elements of a vector of 4 bytes each lie. */
  elements(table, index, most = MOST) {
    const place = this.field(table, index);
    if (!place) return [];
    const vector = this.target(place);
    const count = this.view.getUint32(vector, true);
    require(count <= most);
    return Array.from({ length: count }, (_, i) => vector + 4 + 4 * i);
  }

  tables(table, index, most = MOST) {
    return this.elements(table, index, most).map((place) => this.target(place));
  }

  text(table, index) {
    const start = this.target(present(this.field(table, index)));
    const length = this.view.getUint32(start, true);
    require(length <= MOST);
    return new TextDecoder().decode(this.bytes.subarray(start + 4, start + 4 + length));
  }

  readVector(table, index) {
    return this.elements(table, index).map((place) => this.view.getInt32(place, true));
  }

  writeVector(table, index, numbers) {
    const places = this.elements(table, index);
    // A tensor whose sizes are all fixed has no signature of them.
    require(!places.length || places.length === numbers.length);
    places.forEach((place, i) => this.view.setInt32(place, numbers[i], true));
  }

  keepOnly(table, index, target) {
    const vector = this.target(present(this.field(table, index)));
    this.view.setUint32(vector, 1, true);
    this.view.setUint32(vector + 4, target - (vector + 4), true);
  }
}
