// The figure "A photograph in tiles": what an overlap of the tiles costs, and what is seen without it.
"use strict";

live.tiles = (root) => {
  const { make } = kit;
  const [HIGH, WIDE] = [144, 168]; // pixels of the result; multiples of 2, 3 and 4
  const STEPS = [0.1, 0.3, 1, 3, 10, 30, 100]; // gray levels: what the map of differences may reach
  const ROUNDING = 1e-5; // of 1: below it nothing but float32 is left
  let photograph = null, number = 0, trouble = "";

  const photographs = kit.source(["coffee", "coins", "camera", "chelsea", "astronaut", "brick"], { least: WIDE, told,
    changed: (image) => { photograph = image; number += 1; ask(); } });
  const scales = kit.choice("Scale", { 2: "x2", 3: "x3", 4: "x4" }, 3, () => ask());
  const sides = kit.slider("LR tile size", { min: 12, max: 30, step: 1, value: 24, show: (x) => `${x} px` }, () => ask());
  const overlaps = kit.slider("LR overlap", { min: 0, max: 8, step: 1, value: 0, show: (x) => `${x} px` }, () => ask());
  const status = kit.status();
  const names = { output: "Output from tiles", difference: "Difference", low: "LR image and its tiles", whole: "Untiled output" };
  const [canvases, captions] = [{}, {}];
  const figures = Object.entries(names).map(([name, words]) => {
    const zoom = name === "low" ? 1 : 2;
    canvases[name] = kit.canvas((WIDE * 2) / zoom, (HIGH * 2) / zoom, `${words} of a part of the photograph`, zoom);
    captions[name] = make("figcaption", {}, words);
    return make("figure", {}, canvases[name], captions[name]);
  });
  root.append(
    make("div", { className: "live-controls" }, photographs.element, scales.element, sides.element, overlaps.element),
    status, make("div", { className: "live-grid" }, ...figures));

  // In the Worker: the part's LR image, its output as a whole (both kept for the next request), and from tiles.
  async function begin() {
    const made = await engine(engineCode);
    const networks = {};
    let last = {};
    return ({ number, part, h, w, scale, side, overlap }, tell) => {
      const network = (networks[scale] ??= made.network(weights(scale)));
      const upsampled = (low, tall, wide) => {
        const [rows, columns] = [tall * scale, wide * scale];
        return network.infer(made.resample(low, tall, wide, rows, columns), rows, columns).output;
      };
      const [tall, wide] = [h / scale, w / scale];
      if (last.number !== number || last.scale !== scale) {
        const low = made.resample(part, h, w, tall, wide);
        last = { number, scale, low, whole: upsampled(low, tall, wide) };
      }
      const { low, whole } = last;
      const output = new Float32Array(h * w);
      let computed = 0;
      for (let top = 0; top < tall; top += side) for (let left = 0; left < wide; left += side) {
        const [y, x] = [Math.max(0, top - overlap), Math.max(0, left - overlap)];
        const [bottom, right] = [Math.min(tall, top + side + overlap), Math.min(wide, left + side + overlap)];
        const [rows, columns] = [bottom - y, right - x];
        const piece = new Float32Array(rows * columns);
        for (let r = 0; r < rows; r++) piece.set(low.subarray((y + r) * wide + x, (y + r) * wide + right), r * columns);
        const high = upsampled(piece, rows, columns);
        computed += high.length;
        const [end, kept] = [Math.min(h, (top + side) * scale), Math.min(w, (left + side) * scale) - left * scale];
        for (let r = top * scale; r < end; r++) { // what lies in the overlap is left out
          const from = (r - y * scale) * columns * scale + (left - x) * scale;
          output.set(high.subarray(from, from + kept), r * w + left * scale);
        }
      }
      const difference = output.map((value, i) => value - whole[i]);
      const largest = difference.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      tell({ low, whole, output, difference, largest, computed, scale, side, overlap });
    };
  }

  const send = kit.latest(kit.networks(), begin, show, told);
  function ask() {
    if (!photograph) return;
    trouble = "";
    root.ariaBusy = "true";
    const { h, w, values } = photograph;
    const part = kit.crop(values, w, Math.floor((h - HIGH) / 2), Math.floor((w - WIDE) / 2), HIGH, WIDE);
    const [scale, side, overlap] = [Number(scales.value), sides.value, overlaps.value];
    send({ number, part, h: HIGH, w: WIDE, scale, side, overlap });
  }

  function told(words) {
    trouble = words;
    status.textContent = words;
    root.ariaBusy = "false";
  }

  function show(result, newest) {
    root.state = result;
    const { low, whole, output, difference, largest, computed, scale, side, overlap } = result;
    const levels = 255 * largest;
    const reach = STEPS.find((each) => 3 * each >= levels); // a few pixels differ far more than the others
    for (const [name, values] of Object.entries({ output, whole })) kit.paint(canvases[name], values, HIGH, WIDE);
    kit.paint(canvases.difference, difference, HIGH, WIDE, { reach: reach / 255 });
    outline(low, HIGH / scale, WIDE / scale, side, overlap);
    captions.difference.textContent =
      `Difference from the untiled output: white 0, blue -${reach} gray levels or less, red +${reach} or more`;
    const tiles = Math.ceil(HIGH / scale / side) * Math.ceil(WIDE / scale / side);
    const found = largest < ROUNDING
      ? "The output equals the untiled one but for float32 rounding: no seam (largest difference below 0.003 gray levels)."
      : `The largest difference from the untiled output is ${levels.toFixed(2)} gray levels.`;
    canvases.difference.ariaLabel = `Map of differences, white where there is none. ${found}`;
    const count = (pixels) => pixels.toLocaleString("en-US");
    const asked = `x${scale}, ${tiles} ${tiles > 1 ? "tiles" : "tile"} of ${side} x ${side} LR pixels, overlap ${overlap}.`;
    status.textContent = (trouble && `${trouble} `) + `${asked} ${found} ` +
      `The network computes ${count(computed)} pixels, of which ${count(HIGH * WIDE)} are kept: ` +
      `${((100 * computed) / (HIGH * WIDE) - 100).toFixed(0)}% extra work.`;
    if (newest) root.ariaBusy = "false";
  }

  // The LR image with the borders of its tiles; of one of them also what the network is given, dashed.
  function outline(low, tall, wide, side, overlap) {
    const small = new OffscreenCanvas(wide, tall);
    kit.paint(small, low, tall, wide);
    const context = canvases.low.getContext("2d");
    const unit = canvases.low.width / wide;
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, canvases.low.width, canvases.low.height);
    const box = (top, left, bottom, right, color, width, dash) => {
      Object.assign(context, { strokeStyle: color, lineWidth: width });
      context.setLineDash(dash);
      context.strokeRect(left * unit, top * unit, (right - left) * unit, (bottom - top) * unit);
    };
    for (let top = 0; top < tall; top += side) {
      for (let left = 0; left < wide; left += side) box(top, left, top + side, left + side, "#ffffffc0", 1.5, []);
    }
    const middle = (length) => side * Math.floor((Math.ceil(length / side) - 1) / 2);
    const [top, left] = [middle(tall), middle(wide)];
    const [bottom, right] = [Math.min(tall, top + side), Math.min(wide, left + side)];
    box(top, left, bottom, right, "#c98a00", 4, []);
    const [y, x] = [Math.max(0, top - overlap), Math.max(0, left - overlap)];
    box(y, x, Math.min(tall, bottom + overlap), Math.min(wide, right + overlap), "#d1495b", 3, [8, 5]);
    captions.low.textContent = `LR image, ${wide} x ${tall} pixels, and its tiles; of one tile (amber) also what the network ` +
      `is given (red, dashed)`;
  }

  return photographs.first();
};
