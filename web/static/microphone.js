// Runs beside the page on the audio thread: what the microphone gives (44.1 or 48 kHz, numbers from -1 to 1) becomes
// 16 kHz, 16 bit, in blocks of a tenth of a second. A windowed sinc keeps out what lies above 8 kHz, which would come
// back as other tones; its position runs on from block to block.

const RATE = 16000;
const BLOCK = RATE / 10;
const CROSSINGS = 8;
const PHASES = 160;
const PASS = 0.92;

class Microphone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.step = sampleRate / RATE;
    const cutoff = Math.min(1, 1 / this.step) * PASS;
    this.half = Math.ceil(CROSSINGS / cutoff);
    this.kernels = Array.from({ length: PHASES + 1 }, (_, phase) => this.kernel(phase / PHASES, cutoff));
    this.held = new Float32Array(2 * this.half);
    this.position = this.half;
    this.block = new Int16Array(BLOCK);
    this.filled = 0;
    this.loudest = 0;
  }

  // Weights of the samples around a point that lies `offset` after one of them.
  kernel(offset, cutoff) {
    const weights = new Float32Array(2 * this.half);
    let sum = 0;
    for (let tap = 0; tap < weights.length; tap += 1) {
      const distance = tap - this.half + 1 - offset;
      const x = Math.PI * distance * cutoff;
      const window = Math.abs(distance) < this.half ? 0.5 + 0.5 * Math.cos((Math.PI * distance) / this.half) : 0;
      weights[tap] = (x === 0 ? 1 : Math.sin(x) / x) * window;
      sum += weights[tap];
    }
    return weights.map((weight) => weight / sum);
  }

  process([channels]) {
    const input = channels[0];
    if (!input) return true;
    const samples = new Float32Array(this.held.length + input.length);
    samples.set(this.held);
    samples.set(input, this.held.length);
    while (this.position + this.half < samples.length) {
      const whole = Math.floor(this.position);
      const weights = this.kernels[Math.round((this.position - whole) * PHASES)];
      const first = whole - this.half + 1;
      let sum = 0;
      for (let tap = 0; tap < weights.length; tap += 1) sum += samples[first + tap] * weights[tap];
      this.put(sum);
      this.position += this.step;
    }
    const dropped = Math.min(Math.floor(this.position) - this.half, samples.length);
    this.held = samples.slice(dropped);
    this.position -= dropped;
    return true;
  }

  put(sample) {
    const limited = Math.max(-1, Math.min(1, sample));
    this.loudest = Math.max(this.loudest, Math.abs(limited));
    this.block[this.filled] = limited * 32767;
    this.filled += 1;
    if (this.filled < BLOCK) return;
    this.port.postMessage({ pcm: this.block.buffer, loudest: this.loudest }, [this.block.buffer]);
    this.block = new Int16Array(BLOCK);
    this.filled = 0;
    this.loudest = 0;
  }
}

registerProcessor("microphone", Microphone);
