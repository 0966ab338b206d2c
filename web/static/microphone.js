// In the browser's audio thread: what the microphone gives (44.1 or 48 kHz, as the machine likes) becomes blocks of
// 100 ms of 16-bit samples at 16 kHz, posted to voice.js. After "flush" comes what is left, then null.

const RATE = 16000;
const BLOCK = RATE / 10;
const CROSSINGS = 16; // of the sinc, on each side: how sharp the low-pass is

const greatestDivisor = (a, b) => (b ? greatestDivisor(b, a % b) : a);

// Band-limited interpolation: output k lies at input k * step / phases. One row of taps for each phase that occurs, so
// the position is counted in whole numbers and never drifts, however the input is cut into blocks.
class Resampler {
  constructor(from) {
    const divisor = greatestDivisor(Math.round(from), RATE);
    this.phases = RATE / divisor;
    this.step = Math.round(from) / divisor;
    // What lies above the lower of both limits would come back as false tones.
    const cutoff = 0.94 * Math.min(1, RATE / from);
    this.half = Math.ceil(CROSSINGS / cutoff);
    this.taps = Array.from({ length: this.phases }, (_, phase) => this.row(phase / this.phases, cutoff));
    this.held = new Float32Array(0);
    this.next = this.half * this.phases; // of the next output, in parts of an input sample; silence comes before
    this.extend(new Float32Array(this.half));
  }

  row(offset, cutoff) {
    const taps = Float32Array.from({ length: 2 * this.half + 1 }, (_, n) => {
      const distance = n - this.half - offset;
      const angle = Math.PI * cutoff * distance;
      const window = Math.cos((Math.PI / 2) * Math.min(1, Math.abs(distance) / (this.half + 1))) ** 2;
      return (angle ? Math.sin(angle) / angle : 1) * window;
    });
    // Every phase is as loud as the others.
    const sum = taps.reduce((total, tap) => total + tap, 0);
    return taps.map((tap) => tap / sum);
  }

  extend(samples) {
    const held = new Float32Array(this.held.length + samples.length);
    held.set(this.held);
    held.set(samples, this.held.length);
    this.held = held;
  }

  push(samples, emit) {
    this.extend(samples);
    let position = Math.floor(this.next / this.phases);
    for (; position + this.half < this.held.length; position = Math.floor(this.next / this.phases)) {
      const taps = this.taps[this.next % this.phases];
      const first = position - this.half;
      let sum = 0;
      for (let n = 0; n < taps.length; n += 1) sum += taps[n] * this.held[first + n];
      emit(sum);
      this.next += this.step;
    }
    const done = Math.min(this.held.length, position - this.half);
    this.held = this.held.slice(done);
    this.next -= done * this.phases;
  }
}

class Microphone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(sampleRate);
    this.block = new Int16Array(BLOCK);
    this.filled = 0;
    this.isOver = false;
    this.port.onmessage = () => this.flush();
  }

  take(sample) {
    this.block[this.filled] = Math.round(Math.max(-1, Math.min(1, sample)) * 32767);
    this.filled += 1;
    if (this.filled === BLOCK) this.post();
  }

  post() {
    const whole = this.block.slice(0, this.filled);
    this.port.postMessage(whole.buffer, [whole.buffer]);
    this.filled = 0;
  }

  flush() {
    if (this.filled) this.post();
    this.isOver = true;
    this.port.postMessage(null);
  }

  process([input]) {
    if (input[0] && !this.isOver) this.resampler.push(input[0], (sample) => this.take(sample));
    return !this.isOver;
  }
}

registerProcessor("microphone", Microphone);
