// What the live figures share: controls, canvases, charts, and the sample photographs. Each figure is one file that adds
// a function to `live`; a chapter has a place for it, <div data-live="name">, whose text is what other readers see. The
// page says in `liveFigures` which scripts each of its figures needs; they are loaded when the reader comes near.
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

  // An image that is drawn pixel for pixel, `zoom` times as large on the screen; `label` says in words what it shows.
  function canvas(width, height, label, zoom = 1) {
    const element = make("canvas", { width, height, role: "img", "aria-label": label });
    element.style.width = `${width * zoom}px`;
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

  // Values (h, w) onto a canvas of that size at a place: gray in 0..1, or signed with a reach.
  function paint(element, values, h, w, { reach = 0, left = 0, top = 0 } = {}) {
    const image = new ImageData(w, h);
    for (let i = 0; i < h * w; i++) {
      const color = reach ? diverging(values[i] / reach) : [values[i], values[i], values[i]].map((v) => 255 * v);
      image.data.set([...color.map((v) => Math.min(255, Math.max(0, Math.round(v)))), 255], 4 * i);
    }
    element.getContext("2d").putImageData(image, left, top);
  }

  // Lines over common axes. A series has a name, x and y, a color, and may be dashed; `levels` are named horizontal
  // lines. Everything is drawn anew at each call, in the page's own colors.
  const COLORS = ["#2f7fb8", "#d1495b", "#4f9d4f", "#c98a00"];
  function chart(element, { series, levels = [], x, y, xRange, yRange, logX = false }) {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [element.clientWidth || 640, element.clientHeight || 280];
    Object.assign(element, { width: width * ratio, height: height * ratio });
    const context = element.getContext("2d");
    context.scale(ratio, ratio);
    const ink = getComputedStyle(element).color;
    const [left, right, top, bottom] = [54, width - 10, 10, height - 36];
    const along = (value) => (logX ? Math.log10(Math.max(value, 1e-12)) : value);
    const across = (value) => left + ((along(value) - along(xRange[0])) / (along(xRange[1]) - along(xRange[0]))) * (right - left);
    const up = (value) => bottom - ((value - yRange[0]) / (yRange[1] - yRange[0])) * (bottom - top);
    Object.assign(context, { font: "12px system-ui, sans-serif", fillStyle: ink, strokeStyle: ink, lineWidth: 1 });
    context.strokeRect(left, top, right - left, bottom - top);
    context.textAlign = "right";
    for (const value of ticks(...yRange)) context.fillText(plain(value), left - 6, up(value) + 4);
    context.textAlign = "center";
    const marks = logX ? decades(...xRange) : ticks(...xRange);
    for (const value of marks) context.fillText(plain(value), across(value), bottom + 16);
    context.fillText(x, (left + right) / 2, height - 6);
    context.save();
    context.rotate(-Math.PI / 2);
    context.fillText(y, -(top + bottom) / 2, 12);
    context.restore();
    context.save();
    context.beginPath();
    context.rect(left, top, right - left, bottom - top);
    context.clip();
    context.textAlign = "right";
    for (const [name, value] of levels) {
      context.setLineDash([2, 3]);
      line(context, [[left, up(value)], [right, up(value)]]);
      context.fillText(name, right - 6, up(value) - 4);
    }
    series.forEach(({ x: xs, y: ys, name, dashed }, number) => {
      context.strokeStyle = context.fillStyle = COLORS[number % 4];
      context.lineWidth = 2;
      context.setLineDash(dashed ? [6, 4] : []);
      line(context, Array.from(xs, (value, i) => [across(value), up(ys[i])]).filter(([, b]) => Number.isFinite(b)));
      if (series.length > 1) {
        context.textAlign = "left";
        context.fillText(name, left + 10, top + 16 + 16 * number);
      }
    });
    context.restore();
  }
  function line(context, points) {
    context.beginPath();
    points.forEach(([a, b], number) => (number ? context.lineTo(a, b) : context.moveTo(a, b)));
    context.stroke();
  }
  function ticks(low, high) {
    const rough = (high - low) / 5, unit = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((m) => m * unit).find((each) => each >= rough);
    return Array.from({ length: Math.floor(high / step) - Math.ceil(low / step) + 1 }, (_, k) => (Math.ceil(low / step) + k) * step);
  }
  const decades = (low, high) => Array.from({ length: 12 }, (_, k) => 10 ** (k - 6)).filter((v) => v >= low && v <= high);
  const plain = (value) => String(Number(value.toPrecision(4)));

  // A script of the book, once; the sample photographs are one, as luma in 0..1: { name: { h, w, values } }.
  const home = document.currentScript?.src.replace(/kit\.js.*/, "") ?? "";
  const script = (name) => loadScript(home + name); // of book.js
  let photographs;
  const samples = () => (photographs ??= script("photographs.js").then(async () => {
    const decoded = Object.entries(livePhotographs).map(async ([name, png]) => {
      const bytes = Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0));
      const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }), { colorSpaceConversion: "none" });
      const [w, h] = [bitmap.width, bitmap.height];
      const context = new OffscreenCanvas(w, h).getContext("2d", { alpha: false });
      context.drawImage(bitmap, 0, 0);
      const { data } = context.getImageData(0, 0, w, h);
      return [name, { h, w, values: Float32Array.from({ length: h * w }, (_, i) => data[4 * i] / 255) }];
    });
    return Object.fromEntries(await Promise.all(decoded));
  }));

  // PSNR in dB of two planes (h, w) after rounding to bytes, `shave` pixels cut from each side.
  function psnr(output, target, h, w, shave) {
    const byte = (value) => Math.min(255, Math.max(0, Math.round(255 * value)));
    let sum = 0;
    for (let r = shave; r < h - shave; r++) {
      for (let c = shave; c < w - shave; c++) sum += (byte(output[r * w + c]) - byte(target[r * w + c])) ** 2;
    }
    return 10 * Math.log10((255 ** 2 * (h - 2 * shave) * (w - 2 * shave)) / sum);
  }

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
        begin(target);
      }
    }, { rootMargin: "800px" });
    document.querySelectorAll("[data-live]").forEach((place) => watcher.observe(place));
  });
  return { make, slider, choice, tick, button, status, canvas, paint, diverging, chart, script, samples, psnr };
})();
