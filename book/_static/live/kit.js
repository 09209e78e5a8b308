// What the live figures share: controls and canvases. A figure is a function in `live`, in a file of its own; a chapter
// has a place for it, <div data-live="name">, whose text is what other readers see. The page says in `liveFigures` which
// scripts each of its figures needs; they are loaded when the reader comes near. Some of them add to `kit`.
"use strict";

const live = {};

const kit = (() => {
  // An element with properties, attributes (in `aria`, `data` and other names with a dash) and children.
  function make(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name in element && !name.includes("-")) element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }

  let labels = 0;
  // A slider with its value in words beside it. `show` turns the value into words, `map` the position into the value.
  function slider(label, { min, max, step, value, show = String, map = (x) => x }, changed = () => {}) {
    const id = `live-${++labels}`;
    const output = make("span", { className: "live-value", "aria-hidden": "true" }); // the slider says it itself
    const input = make("input", { type: "range", id, min, max, step, value, autocomplete: "off" });
    const told = () => (output.textContent = input.ariaValueText = show(map(Number(input.value))));
    input.addEventListener("input", () => { told(); changed(map(Number(input.value))); });
    told();
    const element = make("div", { className: "live-control" }, make("label", { htmlFor: id }, label), input, output);
    return { element, input, get value() { return map(Number(input.value)); }, set value(to) { input.value = to; told(); } };
  }

  // One of several; `options` maps values to words.
  function choice(label, options, value, changed = () => {}) {
    const name = `live-${++labels}`;
    const set = make("fieldset", {}, make("legend", {}, label));
    for (const [key, words] of Object.entries(options)) {
      const input = make("input", { type: "radio", name, value: key, checked: key === String(value), autocomplete: "off" });
      input.addEventListener("change", () => changed(key));
      set.append(make("label", {}, input, ` ${words}`));
    }
    return { element: set, get value() { return set.querySelector("input:checked").value; } };
  }

  function tick(label, checked, changed = () => {}) {
    const input = make("input", { type: "checkbox", checked, autocomplete: "off" });
    input.addEventListener("change", () => changed(input.checked));
    return { element: make("label", { className: "live-tick" }, input, ` ${label}`), get value() { return input.checked; } };
  }

  const button = (text, pressed) => {
    const element = make("button", { type: "button" }, text);
    element.addEventListener("click", pressed);
    return element;
  };

  const status = () => make("p", { className: "live-status", role: "status" });

  // The width of an image on the page, `zoom` times its own: a whole number of the screen's pixels for each of its own,
  // else a fine pattern shows false ones.
  function across(width, zoom) {
    const ratio = window.devicePixelRatio || 1;
    return `${(width * Math.max(1, Math.round(zoom * ratio))) / ratio}px`;
  }

  // An image that is drawn pixel for pixel, `zoom` times as large on the screen; `label` says in words what it shows.
  function canvas(width, height, label, zoom = 1) {
    const element = make("canvas", { width, height, role: "img", "aria-label": label });
    element.style.width = across(width, zoom);
    return element;
  }

  // matplotlib's RdBu, from blue over white to red, as the chapters' figures have it
  const RDBU = [[5, 48, 97], [33, 102, 172], [67, 147, 195], [146, 197, 222], [209, 229, 240], [247, 247, 247],
    [253, 219, 199], [244, 165, 130], [214, 96, 77], [178, 24, 43], [103, 0, 31]];
  function diverging(share) {
    const at = Math.min(Math.max((share + 1) * 5, 0), 10);
    const low = Math.min(Math.floor(at), 9);
    return RDBU[low].map((value, c) => value + (at - low) * (RDBU[low + 1][c] - value));
  }

  // Values (h, w) onto a canvas at a place: gray in 0..1, or signed with a reach; NaN is transparent, and each value is
  // `zoom` pixels wide.
  function paint(element, values, h, w, { reach = 0, left = 0, top = 0, zoom = 1 } = {}) {
    const image = new ImageData(w, h);
    const { data } = image; // rounds and clips by itself
    for (let i = 0; i < h * w; i++) {
      const color = reach && !Number.isNaN(values[i]) ? diverging(values[i] / reach) : null;
      for (let c = 0; c < 3; c++) data[4 * i + c] = color ? color[c] : 255 * values[i];
      data[4 * i + 3] = Number.isNaN(values[i]) ? 0 : 255;
    }
    const context = element.getContext("2d");
    if (zoom === 1) return context.putImageData(image, left, top);
    const small = new OffscreenCanvas(w, h);
    small.getContext("2d").putImageData(image, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(small, left, top, zoom * w, zoom * h);
  }

  // A frame that is seen on light and dark pixels alike, around a rectangle of a canvas.
  function frame(element, left, top, width, height) {
    const context = element.getContext("2d");
    for (const [color, out] of [["#000", 0.5], ["#fff", 1.5], ["#000", 2.5]]) {
      context.strokeStyle = color;
      context.strokeRect(left - out, top - out, width + 2 * out, height + 2 * out);
    }
  }

  // A canvas that a reader points at and moves on by arrow keys.
  function operable(element) {
    element.tabIndex = 0;
    element.setAttribute("role", "application");
    return element;
  }

  // The place [row, column] at which a pointer is, of a plane (h, w) that fills a canvas.
  function pointed(element, { clientX, clientY }, h, w) {
    const { left, top, width, height } = element.getBoundingClientRect();
    return inside([((clientY - top) / height) * h, ((clientX - left) / width) * w], h, w);
  }

  // The place to which an arrow key leads, with Shift eight pixels on; null for another key.
  const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  function moved({ key, shiftKey, ctrlKey, altKey, metaKey }, [row, column], h, w) {
    if (!(key in ARROWS) || ctrlKey || altKey || metaKey) return null;
    const [down, right] = ARROWS[key].map((by) => by * (shiftKey ? 8 : 1));
    return inside([row + down, column + right], h, w);
  }
  const inside = (place, ...sizes) => place.map((at, k) => Math.min(Math.max(Math.floor(at), 0), sizes[k] - 1));

  // Draw again when the reader changes from light to dark, and when the figure gets another width.
  function redrawn(root, draw) {
    new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    let width = root.clientWidth;
    new ResizeObserver(() => {
      if (root.clientWidth === width) return;
      width = root.clientWidth;
      draw();
    }).observe(root);
  }

  // A canvas made as fine as the screen and empty: what draws on it, its size on the page, and the page's ink.
  function sharp(element, usual) {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [element.clientWidth || usual[0], element.clientHeight || usual[1]];
    Object.assign(element, { width: width * ratio, height: height * ratio });
    const context = element.getContext("2d");
    context.scale(ratio, ratio);
    context.font = "12px system-ui, sans-serif";
    const ink = context.fillStyle = context.strokeStyle = getComputedStyle(element).color;
    return { context, width, height, ink };
  }

  // What is drawn, and below it what it shows.
  const figure = (words, ...drawn) => make("figure", {}, ...drawn, make("figcaption", {}, words));

  const home = document.currentScript?.src.replace(/kit\.js.*/, "") ?? "";
  const script = (name) => loadScript(home + name); // of book.js

  async function begin(place) {
    const name = place.dataset.live;
    try {
      for (const each of liveFigures[name]) await script(each);
      place.replaceChildren();
      place.classList.add("live");
      await live[name](place);
    } catch (error) {
      place.append(make("p", { role: "alert" }, `This figure does not run here: ${error.message}`));
    }
  }
  addEventListener("DOMContentLoaded", () => {
    const watcher = new IntersectionObserver((seen) => {
      for (const { target, isIntersecting } of seen) {
        if (!isIntersecting) continue;
        watcher.unobserve(target);
        if (!target.hidden) begin(target);
        else new MutationObserver((_, cover) => { // of book.js, until the reader has guessed
          cover.disconnect();
          begin(target);
        }).observe(target, { attributeFilter: ["hidden"] });
      }
    }, { rootMargin: "800px" });
    document.querySelectorAll("[data-live]").forEach((place) => watcher.observe(place));
  });
  return { make, slider, choice, tick, button, status, figure, across, canvas, sharp, paint, diverging, frame, operable, pointed,
    moved, redrawn };
})();
