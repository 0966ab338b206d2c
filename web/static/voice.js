// Speaking instead of typing, on every search box. The link to the upload form becomes a button; pressed, it listens
// until the person has said it, and goes to the results. Live over a WebSocket where the browser can, else by recording
// and sending. Without this file the link stays.

const ANSWER_MS = 15000;
const RATE = 16000;
const MOST_BLOCKS = 150; // of 100 ms: as much as the server listens to

const TROUBLE = {
  insecure: "这个网址不是 https 开头的，浏览器不让网页使用话筒。请改用 https 开头的网址，或者打字。",
  unable: "这个浏览器不能在网页上录音。请打字，或者换一个浏览器。",
  refused: "网页没有得到使用话筒的许可。请点地址栏左边的图标，把“麦克风”改为“允许”，再按一次“说一说”；也可以打字。",
  none: "没有找到话筒。请接好话筒再试，或者打字。",
  taken: "话筒正被别的程序使用。请关掉那个程序再试，或者打字。",
  lost: "连接断开了，没有听完。请看看网络，再说一遍；也可以打字。",
  kept: "连接断开了，没有听完。刚才说的还在：网络好了，可以直接发送，也可以再说一遍或者打字。",
  failed: "语音查询出了问题。请再试一次，或者打字。",
};
const BY_NAME = {
  NotAllowedError: "refused", SecurityError: "refused", NotFoundError: "none", OverconstrainedError: "none",
  NotReadableError: "taken", AbortError: "taken",
};
const FORMATS = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];

const element = (name, className, role) => {
  const made = document.createElement(name);
  made.className = className;
  if (role) made.setAttribute("role", role);
  return made;
};

// The microphone was asked for, and this is what came of it: a sentence for the person, and the recording where one is
// left that may still be sent.
class Trouble extends Error {
  constructor(sentence, recording = null) {
    super(sentence);
    this.recording = recording;
  }
}

// Blocks of the microphone as a WAV file.
const wav = (blocks) => {
  const size = blocks.reduce((sum, block) => sum + block.byteLength, 0);
  const header = new DataView(new ArrayBuffer(44));
  const letters = (at, text) => [...text].forEach((letter, n) => header.setUint8(at + n, letter.charCodeAt(0)));
  letters(0, "RIFF");
  header.setUint32(4, 36 + size, true);
  letters(8, "WAVEfmt ");
  header.setUint32(16, 16, true);
  header.setUint16(20, 1, true);
  header.setUint16(22, 1, true);
  header.setUint32(24, RATE, true);
  header.setUint32(28, RATE * 2, true);
  header.setUint16(32, 2, true);
  header.setUint16(34, 16, true);
  letters(36, "data");
  header.setUint32(40, size, true);
  return new Blob([header.buffer, ...blocks], { type: "audio/wav" });
};

class SpeakingBox {
  constructor(link) {
    this.link = link;
    this.address = link.dataset.voice;
    this.form = link.closest("form");
    this.input = this.form.elements.namedItem("q");

    this.button = element("button", link.className);
    this.button.type = "button";
    this.button.setAttribute("aria-pressed", "false");
    this.button.append(...link.querySelectorAll("svg"), Object.assign(document.createElement("span"), { textContent: "说一说" }));
    link.replaceWith(this.button);

    // Both are there from the beginning, and empty: what is put into them is read aloud.
    this.status = element("p", "voice-status", "status");
    this.alert = element("p", "voice-trouble", "alert");
    this.cancelling = element("button", "button");
    this.cancelling.type = "button";
    this.cancelling.hidden = true;
    this.cancelling.textContent = "取消";
    this.cancelling.addEventListener("click", () => {
      this.cancel();
      this.button.focus();
    });
    const panel = element("div", "voice-panel");
    panel.append(this.status, this.cancelling);
    this.form.after(panel, this.alert);

    this.button.addEventListener("click", () => this.press());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.attempt) {
        event.preventDefault();
        this.cancel();
      }
    });
    window.addEventListener("pagehide", () => this.cancel());
    window.addEventListener("pageshow", (event) => { if (event.persisted) this.say(""); });
  }

  press() {
    if (!this.attempt) this.start();
    else this.attempt.stop?.();
  }

  begin() {
    const attempt = { release: [], typed: this.input.value };
    this.attempt = attempt;
    this.say("");
    this.warn("");
    this.button.setAttribute("aria-pressed", "true");
    this.input.readOnly = true;
    this.cancelling.hidden = false;
    return attempt;
  }

  start() {
    const attempt = this.begin();
    return this.follow(attempt, async () => {
      if (!window.isSecureContext) throw new Trouble(TROUBLE.insecure);
      if (!navigator.mediaDevices?.getUserMedia) throw new Trouble(TROUBLE.unable);
      // Made while the person presses: later, some browsers would not let it run.
      const context = this.isLive ? new AudioContext() : null;
      if (context) attempt.release.push(() => context.close());
      this.say("请允许使用话筒……");
      const microphone = await this.open(attempt);
      if (this.attempt !== attempt) return null;
      return context ? this.stream(attempt, microphone, context) : this.record(attempt, microphone);
    });
  }

  // Goes where an attempt leads, or says what was wrong with it.
  async follow(attempt, find) {
    try {
      const url = await find();
      if (this.attempt !== attempt) return;
      this.release(attempt);
      this.say("正在打开结果……");
      window.location.assign(url);
    } catch (error) {
      if (this.attempt !== attempt) return;
      this.end();
      this.warn(error instanceof Trouble ? error.message : TROUBLE.failed, error.recording);
    }
  }

  get isLive() {
    return Boolean(window.AudioContext && window.AudioWorkletNode && window.WebSocket);
  }

  // The filters beside the box: what is said is looked for under them.
  get filters() {
    const filters = new URLSearchParams();
    for (const [name, value] of new FormData(this.form)) if (name !== "q" && value) filters.append(name, value);
    return filters;
  }

  async open(attempt) {
    let microphone;
    try {
      microphone = await navigator.mediaDevices.getUserMedia({
        audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
      });
    } catch (error) {
      throw new Trouble(TROUBLE[BY_NAME[error.name] ?? "failed"]);
    }
    const close = () => microphone.getTracks().forEach((track) => track.stop());
    attempt.release.push(close);
    // Given up while the browser asked: what was pushed is not called any more.
    if (this.attempt !== attempt) close();
    return microphone;
  }

  // Resolves with the address of the results.
  async stream(attempt, microphone, context) {
    const address = new URL(`${this.address}/stream?${this.filters}`, window.location.href);
    address.protocol = address.protocol.replace("http", "ws");
    let node;
    let socket;
    try {
      await Promise.all([context.resume(), context.audioWorklet.addModule(this.link.dataset.microphone)]);
      node = new AudioWorkletNode(context, "microphone", { channelCount: 1, channelCountMode: "explicit" });
      socket = new WebSocket(address);
    } catch {
      return this.record(attempt, microphone);
    }
    if (this.attempt !== attempt) {
      socket.close();
      return null;
    }
    const heard = this.converse(attempt, socket, node);
    // What is said while the server gets ready is kept, and sent then.
    context.createMediaStreamSource(microphone).connect(node).connect(context.destination);
    return heard.catch((error) => {
      if (error !== socket) throw error;
      return this.record(attempt, microphone);
    });
  }

  // Rejects with the socket itself where no connection comes about, with a Trouble for all that goes wrong afterwards.
  converse(attempt, socket, node) {
    return new Promise((resolve, reject) => {
      let isOpen = false;
      const said = [];
      let waiting = [];
      let patience;
      const fail = (sentence) => reject(new Trouble(sentence));
      const lose = () => reject(said.length ? new Trouble(TROUBLE.kept, wav(said)) : new Trouble(TROUBLE.lost));
      // Every block is answered; where nothing comes for so long, the line is dead and nobody said so.
      const wait = () => {
        window.clearTimeout(patience);
        patience = window.setTimeout(lose, ANSWER_MS);
      };
      const tell = (type) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type }));
      };
      node.port.onmessage = ({ data }) => {
        if (data && said.length < MOST_BLOCKS) said.push(data);
        if (data === null) tell("stop");
        else if (waiting) waiting.push(data);
        else if (socket.readyState === WebSocket.OPEN) socket.send(data);
      };
      attempt.stop = () => {
        attempt.stop = null;
        this.say("正在查找……");
        this.level(0);
        node.port.postMessage("flush");
      };
      attempt.release.push(() => {
        window.clearTimeout(patience);
        socket.close();
      });
      attempt.cancel = () => tell("cancel");
      wait();
      socket.onopen = () => { isOpen = true; };
      socket.onmessage = ({ data }) => {
        wait();
        const message = JSON.parse(data);
        if (message.type === "loading") this.say("正在准备，第一次要等几秒，可以先说……");
        else if (message.type === "ready") {
          this.say("正在听，请说话。说完会自动查找，也可以再按一次“说一说”。");
          for (const block of waiting) socket.send(block);
          waiting = null;
        } else if (message.type === "progress") {
          if (message.text) this.input.value = message.text;
          this.level(attempt.stop ? message.level : 0);
        } else if (message.type === "heard" && message.url) {
          this.input.value = message.text;
          resolve(message.url);
        } else fail(message.message || TROUBLE.failed);
      };
      socket.onclose = () => {
        if (isOpen) lose();
        else reject(socket);
      };
    });
  }

  // Records until the button is pressed again or the time is over, and sends it. Resolves with the address.
  async record(attempt, microphone) {
    if (!window.MediaRecorder) throw new Trouble(TROUBLE.unable);
    const mimeType = FORMATS.find((format) => MediaRecorder.isTypeSupported(format));
    const recorder = new MediaRecorder(microphone, mimeType ? { mimeType } : {});
    const parts = [];
    const recorded = new Promise((resolve, reject) => {
      recorder.ondataavailable = ({ data }) => parts.push(data);
      recorder.onstop = resolve;
      recorder.onerror = reject;
    });
    const stop = () => {
      attempt.stop = null;
      if (recorder.state !== "inactive") recorder.stop();
    };
    attempt.stop = stop;
    const longest = window.setTimeout(stop, 15000);
    attempt.release.push(() => window.clearTimeout(longest), stop);
    recorder.start();
    this.say("正在录音，请说话，最长15秒。说完请再按一次“说一说”。");
    await recorded;
    microphone.getTracks().forEach((track) => track.stop());
    if (this.attempt !== attempt) return null;
    this.say("正在查找……");
    return this.send(attempt, new Blob(parts, { type: recorder.mimeType }));
  }

  async send(attempt, recording) {
    const body = new FormData();
    body.append("audio", recording, "audio");
    const request = new AbortController();
    attempt.release.push(() => request.abort());
    let answer;
    try {
      answer = await fetch(`${this.address}?${this.filters}`, { method: "POST", body, signal: request.signal });
      answer = await answer.json();
    } catch {
      throw new Trouble(TROUBLE.kept, recording);
    }
    if (!answer.url) throw new Trouble(answer.message || answer.error?.message || TROUBLE.failed);
    return answer.url;
  }

  level(value) {
    this.button.style.setProperty("--level", String(value));
  }

  say(sentence) {
    this.status.textContent = sentence;
  }

  // Looks for a recording that is left from before.
  async resend(recording) {
    const attempt = this.begin();
    this.button.focus();
    this.say("正在查找……");
    await this.follow(attempt, () => this.send(attempt, recording));
  }

  warn(sentence, recording = null) {
    this.alert.textContent = sentence;
    if (!sentence) return;
    if (recording) {
      const again = element("button", "button");
      again.type = "button";
      again.textContent = "发送刚才说的";
      again.addEventListener("click", () => this.resend(recording));
      this.alert.append(" ", again);
    }
    // The link that the button replaced: a recording made elsewhere can always be sent.
    const other = document.createElement("a");
    other.href = this.link.href;
    other.textContent = "上传录音";
    this.alert.append(" ", other);
  }

  cancel() {
    if (!this.attempt) return;
    this.attempt.cancel?.();
    this.end();
  }

  // Back to how it was before the button was pressed.
  end() {
    const { attempt } = this;
    this.input.value = attempt.typed;
    this.release(attempt);
    this.say("");
  }

  // Everything that was opened is closed, and the button is ready again.
  release(attempt) {
    this.attempt = null;
    for (const close of attempt.release.splice(0)) close();
    this.button.setAttribute("aria-pressed", "false");
    this.input.readOnly = false;
    this.cancelling.hidden = true;
    this.level(0);
  }
}

for (const link of document.querySelectorAll("[data-voice]")) new SpeakingBox(link);

// A page that has just come is not read aloud; a sentence that changes is.
for (const sentence of document.querySelectorAll("[data-announce]")) {
  const parts = [...sentence.childNodes];
  window.setTimeout(() => {
    sentence.replaceChildren();
    window.requestAnimationFrame(() => sentence.replaceChildren(...parts));
  }, 500);
}
