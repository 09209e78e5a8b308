// What the Worker of the figure "degradations" does: a photograph is degraded, upsampled and measured (chapter 16).
"use strict";

async function degradingWorker() {
  const made = await engine(engineCode);
  const networks = {};
  const STRIP = 24; // rows of the output between two looks for a newer request
  let [clean, input] = [{}, {}]; // what the last request left: the downsampled image, and the LR image with its outputs

  // A Gaussian blur with 19 taps, the border repeated: rows are weighted and added, first down, then across.
  function blur(plane, h, w, sigma) {
    if (!sigma) return plane;
    const taps = Array.from({ length: 10 }, (_, k) => Math.exp(-0.5 * (k / sigma) ** 2));
    const sum = taps.reduce((a, b) => a + 2 * b, -taps[0]);
    const inside = (at, length) => Math.min(Math.max(at, 0), length - 1);
    const down = new Float32Array(h * w), result = new Float32Array(h * w);
    const line = new Float64Array(w), wide = new Float64Array(w + 18);
    for (let r = 0; r < h; r++) {
      line.fill(0);
      for (let k = 0; k < 10; k++) {
        const [tap, above, below] = [taps[k] / (k ? sum : 2 * sum), inside(r - k, h) * w, inside(r + k, h) * w];
        for (let c = 0; c < w; c++) line[c] += tap * (plane[above + c] + plane[below + c]);
      }
      down.set(line, r * w);
    }
    for (let r = 0; r < h; r++) {
      for (let c = -9; c < w + 9; c++) wide[c + 9] = down[r * w + inside(c, w)];
      for (let c = 0; c < w; c++) {
        let total = taps[0] * wide[c + 9];
        for (let k = 1; k < 10; k++) total += taps[k] * (wide[c + 9 - k] + wide[c + 9 + k]);
        result[r * w + c] = total / sum;
      }
    }
    return result;
  }

  // Gray levels as the browser's own JPEG encoder leaves them.
  async function jpeg(levels, h, w, quality) {
    const canvas = new OffscreenCanvas(w, h);
    const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    const image = new ImageData(w, h);
    levels.forEach((level, i) => image.data.set([level, level, level, 255], 4 * i));
    context.putImageData(image, 0, 0);
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: quality / 100 });
    if (blob.type !== "image/jpeg") throw new Error("This browser writes no JPEG files.");
    const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" });
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
    const { data } = context.getImageData(0, 0, w, h);
    return levels.map((_, i) => data[4 * i]);
  }

  // A part of the network's output; the network is given `border` pixels more on each side, where there are any.
  function partly(network, plane, h, w, top, left, side) {
    const [y, x] = [Math.max(0, top - network.border), Math.max(0, left - network.border)];
    const [rows, columns] = [Math.min(h, top + side + network.border) - y, Math.min(w, left + side + network.border) - x];
    const { output } = network.infer(crop(plane, w, y, x, rows, columns), rows, columns);
    return crop(output, columns, top - y, left - x, side, side);
  }

  // high (h, w) is cropped to multiples of the scale; down and across say in 0..1 where the part of the views lies.
  return async ({ number, high, h, w, scale, sigma, gamma, noise, quality, down, across, side }, tell, outdated) => {
    const network = (networks[scale] ??= made.network(weights(scale)));
    const [tall, wide] = [h / scale, w / scale];
    const key = [number, scale, sigma, gamma].join();
    if (clean.key !== key) {
      const blurred = blur(high, h, w, sigma);
      const light = gamma === 1 ? blurred : blurred.map((value) => Math.max(0, value) ** gamma);
      const small = made.resample(light, h, w, tall, wide);
      clean = { key, low: gamma === 1 ? small : small.map((value) => Math.max(0, value) ** (1 / gamma)) };
    }
    const full = [key, noise, quality].join();
    if (input.key !== full) {
      const grain = normals(tall * wide, 16); // a slider changes its strength, not its pattern
      const levels = clean.low.map((value, i) => Math.min(255, Math.max(0, Math.round(255 * value + noise * grain[i]))));
      const low = (quality ? await jpeg(levels, tall, wide, quality) : levels).map((level) => level / 255);
      const bicubic = made.resample(low, tall, wide, h, w);
      input = { key: full, low, grain, bicubic, output: new Float32Array(h * w), done: 0 };
    }
    const { low, grain, bicubic, output } = input;
    const [top, left] = [Math.round(down * (h - side)), Math.round(across * (w - side))];
    const [plain, original] = [bicubic, high].map((plane) => crop(plane, w, top, left, side, side));
    if (input.done < h) {
      tell({ views: [plain, partly(network, bicubic, h, w, top, left, side), original] });
      while (input.done < h) {
        if (await outdated()) return; // the rows that are done stay, in case the next request differs in its part alone
        const [first, last] = [input.done, Math.min(h, input.done + STRIP)];
        output.set(network.infer(bicubic, h, w, { first, last }).output, first * w);
        input.done = last;
      }
    }
    input.scores ??= [bicubic, output].map((plane) => psnr(plane, high, h, w, scale));
    tell({ views: [plain, crop(output, w, top, left, side, side), original], scores: input.scores, low, grain });
  };
}
