// Small things that neither the theme nor a style sheet can do.

// From a USB stick a browser lets no script read other pages, so a search lists their titles only.
if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}

// Paper is white whatever the screen shows.
let screenTheme;
addEventListener("beforeprint", () => {
  screenTheme = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
});
addEventListener("afterprint", () => { document.documentElement.dataset.theme = screenTheme; });

addEventListener("DOMContentLoaded", () => {
  quizzes();
  guesses();
  foundPages();
});

// Sphinx writes how many pages a search has found into a plain paragraph; a status is told to those who do not see it.
function foundPages() {
  const results = document.getElementById("search-results");
  if (!results) return;
  const tell = () => results.querySelector(".search-summary")?.setAttribute("role", "status");
  tell();
  new MutationObserver(tell).observe(results, { childList: true });
}

// A script by its address, once; one that failed may be asked for again.
const loadedScripts = new Map();
function loadScript(address) {
  if (!loadedScripts.has(address)) loadedScripts.set(address, new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: address, onload: resolve });
    script.onerror = () => {
      loadedScripts.delete(address);
      reject(new Error(`A part of this page, ${address.split("/").at(-1)}, did not load; reload the page and try again.`));
    };
    document.head.append(script);
  }));
  return loadedScripts.get(address);
}

function make(tag, text, attributes = {}) {
  const element = Object.assign(document.createElement(tag), attributes);
  element.textContent = text;
  return element;
}

// The first answer that is opened to a question is the reader's choice; the last line keeps the score.
function quizzes() {
  const quiz = document.querySelector("section#quiz");
  if (!quiz) return;
  const answers = [...quiz.querySelectorAll(":scope > details")];
  const questions = [];
  for (const answer of answers) {
    if (answer.previousElementSibling?.tagName !== "DETAILS") questions.push([]);
    questions.at(-1).push(answer);
  }
  const score = make("p", "", { className: "quiz-score" });
  score.setAttribute("role", "status");
  const again = make("button", "Start again", { type: "button", className: "quiz-again", hidden: true });
  quiz.append(score, again);
  const isRight = (answer) => answer.querySelector(":scope > summary ~ *")?.textContent.startsWith("Right.");
  const tell = () => {
    const chosen = questions.map((group) => group.find((answer) => "chosen" in answer.dataset)).filter(Boolean);
    again.hidden = !chosen.length;
    score.textContent = chosen.length
      ? `${chosen.filter(isRight).length} of ${chosen.length} right at the first choice; ${questions.length} questions.` : "";
  };
  for (const group of questions) {
    for (const answer of group) {
      answer.addEventListener("toggle", () => {
        if (!answer.open) return;
        answer.classList.add(isRight(answer) ? "quiz-right" : "quiz-wrong");
        if (!group.some((other) => "chosen" in other.dataset)) answer.dataset.chosen = "";
        tell();
      });
    }
  }
  again.addEventListener("click", () => {
    for (const answer of answers) {
      answer.open = false;
      answer.classList.remove("quiz-right", "quiz-wrong");
      delete answer.dataset.chosen;
    }
    tell();
    answers[0].querySelector("summary").focus();
  });
}

// What follows "Guess first:" is covered until the reader has guessed, up to the next cell, heading or guess.
function guesses() {
  const isGuess = (node) => node.tagName === "P" && node.firstElementChild?.textContent === "Guess first:";
  const asked = [...document.querySelectorAll("article p")].filter(isGuess);
  const shown = (() => { try { return localStorage.getItem("guesses") === "shown"; } catch { return false; } })();
  if (!asked.length || shown) return;
  const covering = "onbeforematch" in document.body ? "until-found" : "";  // a search in the page uncovers it
  const all = [];
  for (const guess of asked) {
    const cell = guess.nextElementSibling;
    const output = cell?.matches("div.cell") && cell.querySelector(":scope > .cell_output");
    if (!output) continue;
    const covered = [output];
    for (let next = cell.nextElementSibling; next; next = next.nextElementSibling) {
      if (next.matches("section, div.cell, h2, h3") || isGuess(next)) break;
      covered.push(next);
    }
    const form = make("form", "", { className: "guess" });
    const label = make("label", "Your guess ");
    const field = make("input", "", { type: "text", autocomplete: "off", size: 28 });
    label.append(field);
    form.append(label, make("button", "Show the answer", { type: "submit" }));
    const everything = make("button", "Always show answers", { type: "button" });
    form.append(everything);
    const reveal = (focus) => {
      if (!form.isConnected) return;
      for (const node of covered) node.removeAttribute("hidden");
      const said = field.value.trim();
      const note = make("p", said ? `Your guess: ${said}` : "The answer:", { className: "guess", tabIndex: -1 });
      form.replaceWith(note);
      if (focus) note.focus();
    };
    form.addEventListener("submit", (event) => { event.preventDefault(); reveal(true); });
    everything.addEventListener("click", () => {
      try { localStorage.setItem("guesses", "shown"); } catch { /* then only this page */ }
      for (const one of all) one(false);
    });
    for (const node of covered) {
      node.setAttribute("hidden", covering);
      node.addEventListener("beforematch", () => reveal(false));
    }
    cell.append(form);
    all.push(reveal);
  }
  addEventListener("beforeprint", () => { for (const one of all) one(false); });
}
