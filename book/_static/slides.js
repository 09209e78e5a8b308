// Keys, buttons and a count for slides; without this script they scroll.
"use strict";
const root = document.documentElement;

function remembered(name, value) {
  try { // a browser may keep nothing for a page from a disk
    if (value) localStorage.setItem(name, value);
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}
const dark = matchMedia("(prefers-color-scheme: dark)");

function dress() {
  root.dataset.theme = remembered("slides-theme") ?? (dark.matches ? "dark" : "light");
}
dress();
dark.addEventListener("change", dress);

addEventListener("DOMContentLoaded", () => {
  const slides = [...document.querySelectorAll(".slide")];
  let now = 0;

  function go(place) {
    slides[Math.max(0, Math.min(slides.length - 1, place))].scrollIntoView({ behavior: "instant" });
  }
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) now = slides.indexOf(entry.target);
    document.getElementById("count").textContent = `${now + 1} / ${slides.length}`;
  }, { rootMargin: "-50% 0px" }); // the slide in the middle of the window
  slides.forEach((slide) => seen.observe(slide));

  const keys = {
    ArrowRight: () => now + 1, ArrowDown: () => now + 1, PageDown: () => now + 1, " ": () => now + 1,
    ArrowLeft: () => now - 1, ArrowUp: () => now - 1, PageUp: () => now - 1,
    Home: () => 0, End: () => slides.length - 1,
  };
  addEventListener("keydown", (event) => {
    const onButton = event.target.closest?.("button, a") && event.key === " ";
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey || onButton) return;
    event.preventDefault();
    go(event.key === " " && event.shiftKey ? now - 1 : keys[event.key]());
  });
  document.getElementById("back").addEventListener("click", () => go(now - 1));
  document.getElementById("next").addEventListener("click", () => go(now + 1));
  document.getElementById("look").addEventListener("click", () => {
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    remembered("slides-theme", root.dataset.theme);
  });
  // a formula wider than the slide is set smaller; both grow with the window, so that once is enough
  addEventListener("load", () => globalThis.MathJax?.startup?.promise.then(() => {
    for (const formula of document.querySelectorAll(".formula")) {
      const wide = formula.querySelector("mjx-math")?.getBoundingClientRect().width;
      const room = formula.parentElement.clientWidth;
      if (wide > room) formula.style.setProperty("--fit", room / wide);
    }
  }));
  let screenTheme;
  addEventListener("beforeprint", () => { screenTheme = root.dataset.theme; root.dataset.theme = "light"; });
  addEventListener("afterprint", () => { root.dataset.theme = screenTheme; });
});
