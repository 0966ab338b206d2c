// Small conveniences. Every page works without this file.

// On a wide screen the filters are always open; on a phone they wait behind their heading.
const wide = window.matchMedia("(min-width: 60rem)");
const fitSheets = () => {
  for (const sheet of document.querySelectorAll("[data-open-wide]")) {
    sheet.open = wide.matches;
    sheet.classList.toggle("fixed", wide.matches);
  }
};
fitSheets();
wide.addEventListener("change", fitSheets);

// Filters apply as soon as they are chosen. Empty ones stay out of the address.
for (const form of document.querySelectorAll("[data-auto-submit]")) {
  const submit = () => {
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value) query.append(name, value);
    window.location.assign(`${form.action}?${query}`);
  };
  form.addEventListener("change", (event) => {
    // Arrow keys walk through radio buttons; someone on the keyboard presses the button when done.
    if (event.target.matches("select") || !form.dataset.keyboard) submit();
  });
  form.addEventListener("keydown", () => { form.dataset.keyboard = "yes"; });
  form.addEventListener("pointerdown", () => { delete form.dataset.keyboard; });
  form.addEventListener("submit", (event) => { event.preventDefault(); submit(); });
}

// The situation chosen decides which materials are shown.
for (const form of document.querySelectorAll("[data-situations]")) {
  const refresh = () => {
    const chosen = [...form.querySelectorAll("input:checked")].map((input) => input.value).filter(Boolean);
    const answered = new Set([...form.querySelectorAll("fieldset")]
      .filter((group) => [...group.querySelectorAll("input:checked")].some((input) => input.value))
      .flatMap((group) => [...group.querySelectorAll("input")].map((input) => input.value)));
    for (const row of document.querySelectorAll("[data-only-for]")) {
      const options = JSON.parse(row.dataset.onlyFor);
      // A material is hidden only when a question it belongs to is answered otherwise.
      row.hidden = options.some((option) => answered.has(option)) && !options.some((option) => chosen.includes(option));
    }
    const left = document.querySelectorAll(".material:not([hidden])").length;
    document.querySelector("[data-material-count]").textContent = `共${left}样`;
  };
  form.addEventListener("change", refresh);
  form.querySelector("button").hidden = true;
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
