// Speaking instead of typing: press, speak, see the words appear, see the results. Without this file, without a
// microphone or when anything goes wrong, the search box is what it was, and says why.

const RATE = 16000;
const LONGEST_MS = 15000;
const ANSWER_MS = 20000;
const LISTENING = "请说要办的事，例如“身份证丢了怎么补”。说完会自动查找。";
const PROBLEMS = {
  insecure: "这个地址不是安全连接（https），浏览器不让用话筒。请打字，或者用 https 开头的地址打开。",
  unsupported: "这个浏览器不能录音。请打字，或者换一个浏览器。",
  NotAllowedError: "话筒没有打开。请在地址栏左边的图标里允许使用话筒，然后再按“说一说”。",
  NotFoundError: "没有找到话筒。请接上话筒再试，或者打字。",
  NotReadableError: "话筒正被别的程序使用。请关掉那个程序再试，或者打字。",
  lost: "网络断了，刚才的话没有发出去。请检查网络后再说一遍，或者打字。",
};

// Speech as a WAV file, for when the live connection fails.
const wav = (blocks) => {
  const size = blocks.reduce((sum, block) => sum + block.byteLength, 0);
  const header = new DataView(new ArrayBuffer(44));
  const text = (at, letters) => [...letters].forEach((letter, i) => header.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF"); header.setUint32(4, 36 + size, true); text(8, "WAVEfmt ");
  header.setUint32(16, 16, true); header.setUint16(20, 1, true); header.setUint16(22, 1, true);
  header.setUint32(24, RATE, true); header.setUint32(28, RATE * 2, true);
  header.setUint16(32, 2, true); header.setUint16(34, 16, true);
  text(36, "data"); header.setUint32(40, size, true);
  return new Blob([header.buffer, ...blocks], { type: "audio/wav" });
};

class VoiceButton {
  constructor(button, worklet) {
    this.button = button;
    this.worklet = worklet;
    this.form = button.form;
    this.input = this.form.elements.q;
    this.label = button.querySelector("[data-voice-label]");
    this.status = this.form.querySelector("[data-voice-status]");
    this.idleLabel = this.label.textContent;
    this.visit = null;
    button.hidden = false;
    button.addEventListener("click", () => (this.visit ? this.stop() : this.start()));
    this.form.addEventListener("keydown", (event) => { if (event.key === "Escape" && this.visit) this.cancel(); });
    this.form.addEventListener("submit", () => { if (this.visit) this.cancel(); });
    window.addEventListener("pagehide", () => { if (this.visit) this.cancel(); });
  }

  // One press of the button, from beginning to end. What it opened is closed by `end`, however it ends.
  async start() {
    const visit = { typed: this.input.value, blocks: [], waiting: [], isReady: false, isDone: false };
    this.visit = visit;
    this.show("wait", "正在准备话筒…");
    try {
      if (!window.isSecureContext) throw new DOMException("", "insecure");
      if (!navigator.mediaDevices?.getUserMedia) throw new DOMException("", "unsupported");
      visit.media = await navigator.mediaDevices.getUserMedia({
        audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
      });
      if (this.visit !== visit) { this.release(visit); return; }
      visit.media.getAudioTracks()[0].addEventListener("ended", () => this.stop());
      const Context = window.AudioContext ?? window.webkitAudioContext;
      if (Context && window.AudioWorkletNode && window.WebSocket) await this.speakLive(visit, new Context());
      else if (window.MediaRecorder) this.record(visit);
      else throw new DOMException("", "unsupported");
    } catch (error) {
      if (this.visit === visit) this.fail(PROBLEMS[error.name] ?? PROBLEMS.unsupported);
      else this.release(visit);
    }
  }

  async speakLive(visit, context) {
    visit.context = context;
    await context.audioWorklet.addModule(this.worklet);
    if (this.visit !== visit) { this.release(visit); return; }
    visit.node = new AudioWorkletNode(context, "microphone", { numberOfOutputs: 0 });
    visit.node.port.onmessage = ({ data }) => this.hear(visit, data);
    context.createMediaStreamSource(visit.media).connect(visit.node);
    if (context.state === "suspended") await context.resume();

    const address = new URL(`${this.button.dataset.voice}?${this.filters()}`, window.location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    visit.socket = new WebSocket(address);
    visit.socket.binaryType = "arraybuffer";
    visit.socket.onmessage = ({ data }) => { if (this.visit === visit) this.answer(visit, JSON.parse(data)); };
    visit.socket.onclose = () => { if (this.visit === visit && !visit.isDone) this.send(visit, wav(visit.blocks)); };
    visit.timer = setTimeout(() => this.stop(), LONGEST_MS);
  }

  hear(visit, { pcm, loudest }) {
    if (this.visit !== visit || visit.isDone) return;
    visit.blocks.push(pcm);
    this.button.style.setProperty("--level", Math.min(1, Math.sqrt(loudest)).toFixed(2));
    if (visit.isReady && visit.socket.readyState === WebSocket.OPEN) visit.socket.send(pcm);
    else visit.waiting.push(pcm);
  }

  answer(visit, message) {
    if (message.type === "ready") {
      visit.isReady = true;
      this.show("listen", LISTENING);
      for (const pcm of visit.waiting.splice(0)) visit.socket.send(pcm);
      if (visit.isStopped) this.finish(visit);
    } else if (message.type === "progress" && message.text) {
      this.input.value = message.text;
    } else if (message.type === "heard") {
      this.arrive(visit, message);
    } else if (message.type === "error") {
      visit.isDone = true;
      this.fail(message.message);
    }
  }

  // Without a live connection: record, then send the whole.
  record(visit) {
    const recorder = new MediaRecorder(visit.media);
    visit.recorder = recorder;
    recorder.ondataavailable = ({ data }) => visit.blocks.push(data);
    recorder.onstop = () => {
      if (this.visit === visit) this.send(visit, new Blob(visit.blocks, { type: recorder.mimeType }));
    };
    recorder.start();
    this.show("listen", `${LISTENING.replace("说完会自动查找。", "")}说完请再按一下按钮。`);
    visit.timer = setTimeout(() => this.stop(), LONGEST_MS);
  }

  async send(visit, sound) {
    visit.isDone = true;
    this.release(visit);
    this.show("wait", "正在发送录音…");
    try {
      const response = await fetch(`${this.button.dataset.upload}?${this.filters()}`, {
        method: "POST", body: sound, headers: { "Content-Type": sound.type || "application/octet-stream" },
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      const answer = await response.json();
      if (this.visit !== visit) return;
      if (answer.error) this.fail(answer.error.message);
      else this.arrive(visit, { ...answer.heard, url: answer.url, message: answer.message });
    } catch {
      if (this.visit === visit) this.fail(PROBLEMS.lost);
    }
  }

  arrive(visit, { text, url, message }) {
    visit.isDone = true;
    if (!url) { this.fail(message); return; }
    this.release(visit);
    this.input.value = text;
    this.show("wait", `听到“${text}”，正在查找…`);
    window.location.assign(url);
  }

  // The person has finished.
  stop() {
    const { visit } = this;
    if (!visit || visit.isDone) return;
    if (visit.recorder) { visit.recorder.stop(); return; }
    visit.isStopped = true;
    if (visit.isReady) this.finish(visit);
    else if (!visit.socket) this.cancel();
  }

  finish(visit) {
    this.release(visit, { keepSocket: true });
    this.show("wait", "正在听写…");
    visit.socket.send(JSON.stringify({ type: "stop" }));
    visit.timer = setTimeout(() => { if (!visit.isDone) visit.socket.close(); }, ANSWER_MS);
  }

  // The person has thought better of it.
  cancel() {
    const { visit } = this;
    visit.isDone = true;
    if (visit.socket?.readyState === WebSocket.OPEN) visit.socket.send(JSON.stringify({ type: "cancel" }));
    this.end(visit.typed);
    this.say("");
  }

  fail(message) {
    this.visit.isDone = true;
    this.end(this.visit.typed);
    this.say(message, true);
  }

  end(text) {
    this.release(this.visit);
    this.visit = null;
    this.input.value = text;
    this.label.textContent = this.idleLabel;
    this.button.setAttribute("aria-pressed", "false");
    delete this.button.dataset.state;
  }

  release(visit, { keepSocket = false } = {}) {
    clearTimeout(visit.timer);
    visit.media?.getTracks().forEach((track) => track.stop());
    if (visit.recorder?.state === "recording") { visit.recorder.onstop = null; visit.recorder.stop(); }
    if (visit.node) visit.node.port.onmessage = null;
    if (visit.context && visit.context.state !== "closed") visit.context.close();
    if (!keepSocket && visit.socket) { visit.socket.onclose = null; visit.socket.close(); }
    this.button.style.removeProperty("--level");
  }

  show(state, message) {
    this.button.dataset.state = state;
    this.button.setAttribute("aria-pressed", "true");
    this.label.textContent = state === "listen" ? "说完了" : "请稍等";
    this.say(message);
  }

  say(message, isProblem = false) {
    this.status.hidden = !message;
    this.status.textContent = message;
    this.status.classList.toggle("voice-problem", isProblem);
  }

  filters() {
    const fields = new URLSearchParams();
    for (const [name, value] of new FormData(this.form)) if (name !== "q" && value) fields.append(name, value);
    return fields;
  }
}

const worklet = document.querySelector("script[data-microphone]").dataset.microphone;
for (const button of document.querySelectorAll("[data-voice]")) new VoiceButton(button, worklet);
