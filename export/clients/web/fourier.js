// The discrete Fourier transform of any length, fast where its prime factors are small.

export class Fourier {
  #factors = [];
  #cosines;
  #sines;

  constructor(length) {
    this.length = length;
    for (let rest = length, factor = 2; rest > 1; ) {
      if (rest % factor === 0) {
        this.#factors.push(factor);
        rest /= factor;
      } else {
        factor += 1;
      }
    }
    const angle = (i) => (-2 * Math.PI * i) / length;
    this.#cosines = Float64Array.from({ length }, (_, i) => Math.cos(angle(i)));
    this.#sines = Float64Array.from({ length }, (_, i) => Math.sin(angle(i)));
    this.real = new Float64Array(length);
    this.imaginary = new Float64Array(length);
    const most = Math.max(1, ...this.#factors);
    this.turned = { real: new Float64Array(most), imaginary: new Float64Array(most) };
  }

  /** Real samples → their spectrum, in arrays that the next call overwrites. */
  transform(samples) {
    this.#transform(samples, 0, 1, 0, this.length, 0);
    return this;
  }

  /** Of every `stride`-th sample from `from` on, `length` of them, to the places from `to` on. */
  #transform(samples, from, stride, to, length, depth) {
    if (length === 1) {
      this.real[to] = samples[from];
      this.imaginary[to] = 0;
      return;
    }
    const factor = this.#factors[depth];
    const part = length / factor;
    for (let k = 0; k < factor; k += 1) {
      this.#transform(samples, from + k * stride, stride * factor, to + k * part, part, depth + 1);
    }
    for (let i = 0; i < part; i += 1) this.#join(to + i, part, factor, i * stride);
  }

  /** Turns one value of each part by its twiddle and replaces them by the transform over parts. */
  #join(place, part, factor, turn) {
    const { real, imaginary, turned } = this;
    const [cosines, sines] = [this.#cosines, this.#sines];
    for (let k = 0; k < factor; k += 1) {
      const [x, y] = [real[place + k * part], imaginary[place + k * part]];
      const [c, s] = [cosines[k * turn], sines[k * turn]];
      turned.real[k] = x * c - y * s;
      turned.imaginary[k] = x * s + y * c;
    }
    const quarter = this.length / factor;
    for (let j = 0; j < factor; j += 1) {
      let [x, y] = [0, 0];
      for (let k = 0; k < factor; k += 1) {
        const at = ((j * k) % factor) * quarter;
        x += turned.real[k] * cosines[at] - turned.imaginary[k] * sines[at];
        y += turned.real[k] * sines[at] + turned.imaginary[k] * cosines[at];
      }
      real[place + j * part] = x;
      imaginary[place + j * part] = y;
    }
  }
}
