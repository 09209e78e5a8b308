// The figure "A bicubic laboratory": a kernel's weights, its frequency response, and what it makes of two images.
"use strict";

live.bicubic = (root) => {
  const { make } = kit;
  // What the libraries do: the kernel, its a, the share of the full stretch, the border, and the phase at a scale.
  const PRESETS = {
    package: ["MATLAB's imresize, this package", "cubic", -0.5, 1, "mirror"],
    pillow: ["Pillow BICUBIC; PyTorch, antialias=True", "cubic", -0.5, 1, "drop"],
    default: ["PyTorch's default; OpenCV INTER_CUBIC", "cubic", -0.75, 0, "repeat"],
    bilinear: ["PyTorch bilinear, antialias=True", "linear", null, 1, "drop"],
    mean: ["mean of each block (box filter)", "box", null, 1, "mirror"],
    one: ["one pixel of each block", "box", null, 0, "mirror", (s) => (s % 2 ? 0 : -0.5)], // even: none is in the middle
  };
  const KERNELS = { cubic: "cubic", linear: "linear", box: "box" };
  const BORDERS = { mirror: "mirrored", repeat: "edge pixel repeated", drop: "weights dropped" };
  const NAMES = ["chelsea", "coins", "camera", "astronaut", "coffee", "brick", "grass", "gravel", "rocket"];
  const [side, part, most] = [216, 108, 512];

  const select = (label, options, changed) => {
    const element = make("select", { autocomplete: "off", "aria-label": label });
    for (const [value, words] of Object.entries(options)) element.append(make("option", { value }, words));
    element.addEventListener("change", changed);
    return element;
  };
  const labeled = (label, element) => make("div", { className: "live-control" }, make("label", {}, `${label} `, element));
  const titles = Object.fromEntries(Object.entries(PRESETS).map(([key, [title]]) => [key, title]));
  const preset = select("Settings of", { ...titles, own: "your own settings" }, () => { follow(); redraw(); });
  const mine = () => { preset.value = "own"; redraw(); };
  const two = (x) => x.toFixed(2);
  const scale = kit.slider("Scale", { min: 2, max: 6, step: 1, value: 3, show: (s) => `x${s}` }, () => {
    stretch.value = stretch.input.value; // the same share of another scale
    follow();
    redraw();
  });
  const kernel = select("Kernel", KERNELS, mine);
  const a = kit.slider("Parameter a", { min: -1, max: 0, step: 0.01, value: -0.5, show: two }, mine);
  const stretch = kit.slider("Stretch", { min: 0, max: 1, step: 0.05, value: 1, show: two,
    map: (share) => 1 + share * (scale.value - 1) }, mine);
  const phase = kit.slider("Phase", { min: -0.5, max: 0.5, step: 0.05, value: 0, show: (x) => `${two(x)} px` }, mine);
  const edge = select("Border", BORDERS, mine);
  const photographs = kit.source(NAMES, { most: 24e6, changed: photograph, told: (words) => (status.textContent = words) });

  const status = kit.status();
  const curve = kit.canvas(352, 208, "The kernel with its weights");
  const responses = kit.canvas(352, 208, "The frequency response of the weights");
  curve.className = responses.className = "live-half";
  const original = kit.canvas(side, side, "A zone plate: rings that become finer from the center outwards");
  const small = kit.canvas(72, 72, "The zone plate downsampled", 3);
  const again = kit.canvas(part, part, "A part of the photograph, downsampled and upsampled", 2);
  const words = { small: make("figcaption"), again: make("figcaption") };
  const figure = (drawn, caption, width = "") => make("figure", { style: width && `width: ${width}px` }, drawn, caption);
  root.append(
    make("div", { className: "live-controls" }, labeled("Settings of", preset), scale.element, labeled("Kernel", kernel),
      a.element, stretch.element, phase.element, labeled("Border", edge), photographs.element),
    status,
    make("div", { className: "live-figures" },
      figure(curve, make("figcaption", {}, "The kernel, and the weights that it gives the HR pixels around one LR pixel")),
      figure(responses, make("figcaption", {}, "Frequency response (magnitude), and the Nyquist frequency of the LR grid"))),
    make("div", { className: "live-figures" },
      figure(original, make("figcaption", {}, `The zone plate, ${side} x ${side}`), side),
      figure(small, words.small, side), figure(again, words.again, side)),
  );

  // The controls go to the settings of the preset.
  function follow() {
    if (preset.value === "own") return;
    const [, which, parameter, share, border, shift = () => 0] = PRESETS[preset.value];
    [kernel.value, stretch.value, edge.value, phase.value] = [which, share, border, shift(scale.value)];
    if (parameter !== null) a.value = parameter;
  }

  const rings = filters.zonePlate(side);
  kit.paint(original, rings.values, side, side);

  // How to resample; the way up takes the grid of equation (6.4) for granted.
  function settings() {
    const up = { ...filters.kernels[kernel.value](a.value), stretch: 1, edge: edge.value };
    return { up, down: { ...up, stretch: stretch.value, shift: phase.value } };
  }
  const cycle = (high, s, { down, up }) => filters.upsample(filters.downsample(high, s, down), s, up).values;
  const score = (output, high, s) => kit.psnr(output, high.values, high.h, high.w, s);

  let photo = null, high = null, zone = null;
  function photograph({ h, w, values }, name) {
    const [rows, columns] = NAMES.includes(name) ? [h, w] : [Math.min(h, most), Math.min(w, most)];
    const whole = rows * columns === h * w;
    photo = { name: whole ? name : `the middle of ${name} (${columns} x ${rows} pixels)`, h: rows, w: columns,
      values: kit.crop(values, w, (h - rows) >> 1, (w - columns) >> 1, rows, columns), cropped: {} };
    redraw();
  }
  function prepared(s) {
    const cropped = filters.modcrop(photo, s);
    return { ...cropped, reference: score(cycle(cropped, s, { up: {}, down: {} }), cropped, s) }; // the package's settings
  }

  const frequencies = Array.from({ length: 251 }, (_, i) => i / 500);
  function redraw() {
    const [s, how] = [scale.value, settings()];
    a.input.disabled = kernel.value !== "cubic";
    if (zone?.s !== s) zone = { s, ...filters.modcrop(rings, s) };
    high = photo && (photo.cropped[s] ??= prepared(s));
    const taps = filters.weigh(s, how.down);
    const output = photo && cycle(high, s, how);
    root.result = { ...taps, low: filters.downsample(zone, s, how.down), output, psnr: photo && score(output, high, s),
      response: frequencies.map((f) => filters.response(taps, f)), nyquist: filters.response(taps, 0.5 / s),
      aliased: filters.aliased(taps, s) };
    images(s);
    charts();
    tell(s);
  }

  function images(s) {
    const { low, output } = root.result;
    Object.assign(small, { width: low.w, height: low.h, ariaLabel: `The zone plate downsampled to ${low.w} x ${low.h} pixels` });
    small.style.width = kit.across(low.w, s);
    kit.paint(small, low.values, low.h, low.w);
    words.small.textContent = `Downsampled to ${low.w} x ${low.h}`;
    if (!photo) return;
    const eye = photo.name === "chelsea";
    const [top, left] = eye ? [56, 126] : [(high.h - part) >> 1, (high.w - part) >> 1];
    kit.paint(again, kit.crop(output, high.w, top, left, part, part), part, part);
    words.again.textContent = again.ariaLabel = `${eye ? "Chelsea's eye" : `A part of ${photo.name}`}, downsampled and upsampled`;
  }

  function charts() {
    const [s, { down }, { weights, distances }] = [scale.value, settings(), root.result];
    const reach = 2 * s + 0.5;
    const x = Array.from({ length: 601 }, (_, i) => reach * (i / 300 - 1));
    const shape = (at) => down.kernel((at - down.shift) / down.stretch);
    const sum = distances.reduce((total, at) => total + shape(at), 0);
    const y = x.map((at) => shape(at) / sum);
    const peak = Math.max(...y, ...weights);
    kit.chart(curve, { series: [{ name: "kernel", x, y }, { name: "weights", x: distances, y: weights, dots: true }],
      x: "HR pixels from the position by equation (6.4)", y: "weight", xRange: [-reach, reach],
      yRange: [-0.25 * peak, 1.1 * peak] });
    const ours = filters.weigh(s, {});
    kit.chart(responses, { marks: [[`Nyquist, 1/${2 * s}`, 0.5 / s]], x: "periods per HR pixel", y: "response",
      series: [{ name: "these settings", x: frequencies, y: root.result.response },
        { name: "this package", x: frequencies, y: frequencies.map((f) => filters.response(ours, f)), dashed: true }],
      xRange: [0, 0.5], yRange: [0, 1.6] });
    const told = weights.map((weight) => String(Number(weight.toFixed(3)) + 0)); // no -0
    curve.ariaLabel = `The kernel with the ${told.length} weights of one LR pixel, from left to right: ${told.join(", ")}`;
    const at = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5].map((f) => `${two(filters.response(root.result, f))} at ${f}`);
    responses.ariaLabel = `The frequency response: ${at.join(", ")} periods per HR pixel`;
  }

  function tell(s) {
    const { nyquist, aliased, psnr } = root.result;
    const which = kernel.value === "cubic" ? `cubic kernel with a = ${two(a.value)}` : `${kernel.value} kernel`;
    let told = `x${s}, ${which}, stretch ${two(stretch.value)}: at the Nyquist frequency of the LR grid, 1/${2 * s} period per ` +
      `HR pixel, the response is ${two(nyquist)}. Of the energy of a downsampled row of white noise, ` +
      `${(100 * aliased).toFixed(1)}% is aliased.`;
    if (photo) {
      const gap = psnr - high.reference; // no number if nothing is lost
      const beside = Math.abs(gap) < 0.005 ? "as with this package's settings"
        : `${two(Math.abs(gap))} dB ${gap < 0 ? "below" : "above"} this package's settings`;
      const scored = Number.isFinite(psnr) ? `scores ${two(psnr)} dB` : "loses nothing";
      told += ` Downsampled and upsampled, ${photo.name} ${scored}${Number.isFinite(gap) ? `, ${beside}` : ""}.`;
      if (phase.value) told += " A part of the loss is the shift by the phase, which the upsampling does not undo.";
    }
    status.textContent = told;
  }

  kit.redrawn(root, charts);
  redraw();
  photographs.first();
};
