// Suggestions while typing: the combobox of the WAI-ARIA Authoring Practices ("list autocomplete with manual selection")
// on every search box. Without this file the box is a plain form; when anything goes wrong, it is one again.

const WAIT_MS = 120;
const LONGEST = 50;
const SHOWN = 8;

const element = (name, className, text) => {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
};

// The text with its typed part in <mark>. Positions count characters, not UTF-16 units.
const marked = ({ text, highlights }) => {
  const characters = Array.from(text);
  const parts = document.createDocumentFragment();
  let end = 0;
  for (const [start, stop] of highlights) {
    parts.append(characters.slice(end, start).join(""), element("mark", "", characters.slice(start, stop).join("")));
    end = stop;
  }
  parts.append(characters.slice(end).join(""));
  return parts;
};

const note = ({ kind, text, title, services }) => {
  const official = text === title ? "" : title;
  if (kind !== "department") return official;
  return [official, services === null ? "" : `${services}项服务`].filter(Boolean).join("，");
};

class SuggestingBox {
  constructor(input) {
    this.input = input;
    this.form = input.form;
    this.address = input.dataset.suggest;
    this.suggestions = [];
    this.active = -1;
    this.composing = false;
    this.typedFor = null;

    this.list = element("ul", "suggestions");
    this.list.id = `${input.id}-suggestions`;
    this.list.hidden = true;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "搜索建议");
    this.status = element("p", "visually-hidden");
    this.status.setAttribute("role", "status");
    this.status.setAttribute("aria-live", "polite");
    this.form.append(this.list, this.status);

    for (const [name, value] of Object.entries({
      role: "combobox", "aria-autocomplete": "list", "aria-haspopup": "listbox",
      "aria-expanded": "false", "aria-controls": this.list.id,
    })) input.setAttribute(name, value);

    // While an input method composes, its letters are not the person's words yet.
    input.addEventListener("compositionstart", () => { this.composing = true; this.forget(); });
    input.addEventListener("compositionend", () => { this.composing = false; this.ask(WAIT_MS); });
    input.addEventListener("input", (event) => { if (!event.isComposing && !this.composing) this.ask(WAIT_MS); });
    input.addEventListener("keydown", (event) => this.onKey(event));
    input.addEventListener("click", () => { if (this.isFresh) this.open(); });
    input.addEventListener("blur", () => this.close());
    this.form.addEventListener("submit", () => this.close());
    window.addEventListener("pagehide", () => this.close());
    // The keyboard of a phone stays, and the box keeps the focus, while an option is pressed.
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.choose(this.suggestions[[...this.list.children].indexOf(option)]);
    });
  }

  get typed() { return this.input.value.trim(); }
  get isOpen() { return !this.list.hidden; }
  get isFresh() { return this.suggestions.length > 0 && this.typedFor === this.typed; }

  // Drop what was asked and not yet answered.
  forget() {
    window.clearTimeout(this.timer);
    this.request?.abort();
    this.request = null;
  }

  ask(wait, then) {
    this.forget();
    this.activate(-1);
    if (!this.typed || Array.from(this.typed).length > LONGEST) this.close();
    else this.timer = window.setTimeout(() => this.load(this.typed, then), wait);
  }

  async load(typed, then) {
    const request = new AbortController();
    this.request = request;
    try {
      const query = new URLSearchParams({ q: typed, size: SHOWN });
      const division = this.form.elements.namedItem("division")?.value;
      if (division) query.set("division", division);
      const answer = await fetch(`${this.address}?${query}`, { signal: request.signal });
      const { suggestions } = answer.ok ? await answer.json() : { suggestions: [] };
      if (this.request !== request || document.activeElement !== this.input) return;
      this.show(typed, suggestions);
      then?.();
    } catch {
      // Aborted or out of reach: the box works without.
      if (this.request === request) this.close();
    }
  }

  show(typed, suggestions) {
    this.typedFor = typed;
    this.suggestions = suggestions;
    this.active = -1;
    this.input.removeAttribute("aria-activedescendant");
    this.list.replaceChildren(...suggestions.map((suggestion, number) => this.option(suggestion, number)));
    if (suggestions.length) this.open();
    else this.close();
    this.status.textContent = suggestions.length ? `有${suggestions.length}条建议，按上下方向键选择。` : "没有建议，可以直接搜索。";
  }

  option(suggestion, number) {
    const option = element("li", "suggestion");
    option.id = `${this.list.id}-${number}`;
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    const beside = note(suggestion);
    const kind = suggestion.kind === "department" ? "部门" : "";
    option.setAttribute("aria-label", [kind, suggestion.text, beside].filter(Boolean).join("，"));
    const text = element("span", "suggestion-text");
    text.append(marked(suggestion));
    if (kind) option.append(element("span", "badge", kind));
    option.append(text);
    if (beside) option.append(element("span", "suggestion-note", beside));
    return option;
  }

  open() {
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
  }

  close() {
    this.forget();
    this.activate(-1);
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.status.textContent = "";
  }

  activate(number) {
    this.list.children[this.active]?.setAttribute("aria-selected", "false");
    this.active = number;
    const option = this.list.children[number];
    if (!option) {
      this.input.removeAttribute("aria-activedescendant");
      return;
    }
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", option.id);
  }

  // Up and down walk through the options and the box itself (-1), round and round.
  move(step) {
    const places = this.suggestions.length + 1;
    this.activate(((this.active + 1 + step + places) % places) - 1);
  }

  onKey(event) {
    if (event.isComposing || this.composing || event.keyCode === 229) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") this.onArrow(event);
    else if (!this.isOpen) return;
    else if (event.key === "Escape" || event.key === "Tab") {
      this.close();
      if (event.key === "Tab") return;
    } else if (this.active < 0) return;
    else if (event.key === "Enter") this.choose(this.suggestions[this.active]);
    else if (event.key === "Home") this.activate(0);
    else if (event.key === "End") this.activate(this.suggestions.length - 1);
    else {
      // Any other key is for the text again.
      this.activate(-1);
      return;
    }
    event.preventDefault();
  }

  onArrow(event) {
    const step = event.key === "ArrowDown" ? 1 : -1;
    if (this.isOpen && event.altKey && step < 0) this.close();
    else if (this.isOpen) this.move(step);
    else if (this.isFresh) {
      this.open();
      if (!event.altKey) this.move(step);
    } else this.ask(0, event.altKey ? undefined : () => { if (this.isOpen) this.move(step); });
  }

  choose(suggestion) {
    this.close();
    if (suggestion.kind === "department") {
      window.location.assign(suggestion.url);
      return;
    }
    this.input.value = suggestion.text;
    this.form.requestSubmit();
  }
}

for (const input of document.querySelectorAll("input[data-suggest]")) new SuggestingBox(input);
