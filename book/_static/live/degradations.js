// The figure "Degrade it yourself": what SRCNN gains or loses on an LR image that was made otherwise (degrading.js).
"use strict";

live.degradations = (root) => {
  const { make } = kit;
  const SIDE = 108; // pixels of the part that is seen
  const MOST = 512; // pixels a side of what is computed and measured
  const NONE = 101; // the position of the slider for JPEG where no JPEG is saved
  let photograph = null, name = "", number = 0, trouble = "";

  const photographs = kit.source(["camera", "astronaut", "chelsea", "coins", "coffee", "brick"], { told,
    changed: (image, called) => { [photograph, name] = [image, called]; number += 1; ask(); } });
  const scales = kit.choice("Scale", { 2: "x2", 3: "x3", 4: "x4" }, 3, () => ask());
  const slider = (label, options) => kit.slider(label, options, () => ask());
  const blur = slider("Blur", { min: 0, max: 3, step: 0.1, value: 0, show: (x) => `${x} px` });
  const gamma = slider("Gamma", { min: 1, max: 2.6, step: 0.1, value: 1, show: (x) => (x > 1 ? `${x}` : "1 (off)") });
  const noise = slider("Noise", { min: 0, max: 20, step: 0.5, value: 0, show: (x) => `${x} levels` });
  const quality = slider("JPEG quality", { min: 5, max: NONE, step: 1, value: NONE,
    show: (x) => (x < NONE ? `${x}` : "no JPEG") });
  const percent = { min: 0, max: 100, step: 1, show: (x) => `${x}%` };
  const down = slider("Part, down", { ...percent, value: 16 });
  const across = slider("Part, across", { ...percent, value: 46 });
  const clean = kit.button("No degradation", () => {
    [blur.value, gamma.value, noise.value, quality.value] = [0, 1, 0, NONE];
    ask();
  });
  const status = kit.status();
  const views = ["bicubic", "SRCNN", "original"].map((words) =>
    [words, kit.canvas(SIDE, SIDE, `A part of the photograph: ${words}`, 2), make("figcaption", {}, words)]);
  root.append(
    make("div", { className: "live-controls" }, photographs.element, scales.element, blur.element, gamma.element, noise.element,
      quality.element, down.element, across.element, make("div", { className: "live-buttons" }, clean)),
    status,
    make("div", { className: "live-grid live-small" }, ...views.map(([, ...parts]) => make("figure", {}, ...parts))));

  const uses = [...kit.networks(), mulberry, normals, kit.crop, kit.psnr];
  const send = kit.latest(uses, degradingWorker, show, told);
  let asked = "";
  function ask() {
    if (!photograph) return;
    trouble = "";
    root.ariaBusy = "true";
    const scale = Number(scales.value);
    const fit = (length) => Math.min(length, MOST) - (Math.min(length, MOST) % scale);
    const [h, w] = [fit(photograph.h), fit(photograph.w)];
    // a smaller photograph is cropped at its end as the protocol does it; of a larger one the middle is used
    const from = (length, used) => (length > MOST ? Math.floor((length - used) / 2) : 0);
    const high = kit.crop(photograph.values, photograph.w, from(photograph.h, h), from(photograph.w, w), h, w);
    const saved = quality.value < NONE ? quality.value : 0;
    const all = Math.max(photograph.h, photograph.w) > MOST ? `${name}, its middle ${w} x ${h} pixels` : name;
    const counted = (n, unit) => `${n} ${unit}${n === 1 ? "" : "s"}`;
    const done = [blur.value && `blur of ${counted(blur.value, "pixel")}`, gamma.value > 1 && `downsampled at gamma ${gamma.value}`,
      noise.value && `noise of ${counted(noise.value, "gray level")}`, saved && `JPEG of quality ${saved}`].filter(Boolean);
    asked = `${all}, x${scale}, ${done.length ? done.join(", ") : "bicubic downsampling alone"}`;
    send({ number, high, h, w, scale, sigma: blur.value, gamma: gamma.value, noise: noise.value, quality: saved,
      down: down.value / 100, across: across.value / 100, side: SIDE });
  }

  function told(words) {
    trouble = words;
    status.textContent = words;
    root.ariaBusy = "false";
  }

  function show({ views: seen, scores, low, grain }, newest) {
    seen.forEach((values, k) => kit.paint(views[k][1], values, SIDE, SIDE));
    if (!scores || !newest) return; // the part is seen first; the whole is measured after it
    const [plain, sharp] = scores;
    const gain = sharp === plain ? 0 : sharp - plain; // both may be infinite
    const verdict = Math.abs(gain) < 0.005 ? "the two are equal"
      : `SRCNN ${gain > 0 ? "gains" : "loses"} ${Math.abs(gain).toFixed(2)} dB`;
    status.textContent = `${trouble && `${trouble} `}${asked}: bicubic ${plain.toFixed(2)} dB, ` +
      `SRCNN ${sharp.toFixed(2)} dB; ${verdict}.`;
    [`bicubic, ${plain.toFixed(2)} dB`, `SRCNN, ${sharp.toFixed(2)} dB`, "original"].forEach((words, k) => {
      views[k][2].textContent = words;
      views[k][1].ariaLabel = `A part of the photograph: ${words}`;
    });
    root.state = { views: seen, low, grain };
    root.ariaBusy = "false";
  }

  return photographs.first();
};
