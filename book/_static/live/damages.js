// Five ways to damage an image, each as strong as a PSNR asks for (chapter 7); resampling.js and random.js come first.
"use strict";

const damages = (() => {
  const squared = (a, b) => a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0) / a.length;
  const decibels = (error) => -10 * Math.log10(error);
  const geometric = (from, to, count) => Array.from({ length: count }, (_, k) => from * (to / from) ** (k / (count - 1)));

  // The Gaussian of scipy and scikit-image: cut off at 4 standard deviations, the border repeated.
  function blurred(values, h, w, sigma) {
    const kernel = (x) => Math.exp(-(x ** 2) / (2 * sigma ** 2));
    return resampling.resample(values, h, w, h, w, { kernel, radius: Math.floor(4 * sigma + 0.5), edge: "repeat" });
  }

  // To the right by a number of pixels, which need not be whole: Lanczos interpolation along the rows of a whole plane
  // (height, width), of which the part (h, w) at (top, left) is given.
  function shifted({ plane, width, top, left }, h, w, by) {
    const sinc = (x) => (x ? Math.sin(Math.PI * x) / (Math.PI * x) : 1);
    const lanczos = (x) => (Math.abs(x) < 4 ? sinc(x) * sinc(x / 4) : 0);
    const first = Math.ceil(-by - 4);
    const weights = Array.from({ length: 9 }, (_, k) => lanczos(first + k + by));
    const sum = weights.reduce((a, b) => a + b);
    const result = new Float64Array(h * w);
    for (let c = 0; c < w; c++) {
      weights.forEach((weight, k) => {
        const from = top * width + Math.min(Math.max(left + c + first + k, 0), width - 1);
        for (let r = 0; r < h; r++) result[r * w + c] += (weight / sum) * plane[from + r * width];
      });
    }
    return result;
  }

  // JPEG's idea: the cosine coefficients of blocks of 8 x 8, rounded to multiples of a step. The transform is orthonormal,
  // so errors of coefficients are errors of pixels.
  const BASIS = Array.from({ length: 64 }, (_, i) =>
    Math.cos((Math.PI * (2 * (i % 8) + 1) * Math.floor(i / 8)) / 16) * (i < 8 ? Math.sqrt(1 / 8) : 0.5));
  function cosines(values, h, w, back) {
    let now = Float64Array.from(values);
    for (const [step, other] of [[1, w], [w, 1]]) { // along rows, then along columns
      const next = new Float64Array(h * w);
      const [outer, inner] = step === 1 ? [h, w] : [w, h];
      for (let a = 0; a < outer; a++) for (let b = 0; b < inner; b += 8) {
        const at = a * other + b * step;
        for (let k = 0; k < 8; k++) {
          let sum = 0;
          for (let n = 0; n < 8; n++) sum += BASIS[back ? 8 * n + k : 8 * k + n] * now[at + n * step];
          next[at + k * step] = sum;
        }
      }
      now = next;
    }
    return now;
  }

  // The damages of a part: a function of a PSNR that gives, for each of the five, the image and how strong the damage is.
  // Blur, blocks and shift are searched in a table of strengths; then the difference is scaled, by a factor close to 1,
  // until the image, clipped to 0..1, has exactly this PSNR. `limits`: the PSNRs that must be within reach.
  function prepare(image, h, w, limits) {
    const { plane, width, top, left } = image;
    const part = kit.crop(plane, width, top, left, h, w);
    const noise = normals(h * w, 1); // always the same
    const coefficients = cosines(part, h, w);
    const rounded = (step) => coefficients.map((value) => step * Math.round(value / step));
    const table = {
      blurred: geometric(0.4, 24, 12).map((sigma) => [sigma, decibels(squared(blurred(part, h, w, sigma), part))]),
      blocks: geometric(0.02, 3, 40).map((step) => [step, decibels(squared(rounded(step), coefficients))]),
      shifted: geometric(0.15, 12, 24).map((by) => [by, decibels(squared(shifted(image, h, w, by), part))]),
    };

    // The first strength that gives the PSNR, between two of the table, or the strongest of the table.
    function strength(name, psnr) {
      const rows = table[name];
      const k = rows.findIndex((row) => row[1] < psnr);
      if (k < 1) return rows.at(k)[0];
      const [[a, high], [b, low]] = [rows[k - 1], rows[k]];
      return a * (b / a) ** ((high - psnr) / (high - low));
    }
    const WAYS = {
      lighter: () => part.map((value) => value + 0.08),
      blurred: (sigma) => blurred(part, h, w, sigma),
      blocks: (step) => cosines(rounded(step), h, w, true),
      noise: () => noise.map((value, i) => part[i] + 0.08 * value),
      shifted: (by) => shifted(image, h, w, by),
    };

    function scaled(damaged, psnr) {
      const goal = 10 ** (-psnr / 10);
      let factor = 1, result, error;
      for (let k = 0; k < 30; k++) {
        result = part.map((value, i) => Math.min(1, Math.max(0, value + factor * (damaged[i] - value))));
        error = squared(result, part);
        if (Math.abs(error / goal - 1) < 1e-5) break;
        factor *= Math.sqrt(goal / error);
      }
      return { image: result, factor, psnr: decibels(error) };
    }

    const damaged = (psnr) => Object.fromEntries(Object.entries(WAYS).map(([name, way]) => {
      const amount = table[name] ? strength(name, psnr) : null;
      return [name, { amount, ...scaled(way(amount), psnr) }];
    }));
    for (const psnr of limits) {
      if (!Object.values(damaged(psnr)).every((one) => one.factor < 2 && Math.abs(one.psnr - psnr) < 0.005)) {
        throw new Error("The center of this photograph is too flat or too bright to be damaged in all five ways.");
      }
    }
    return { part, damaged };
  }

  return { prepare };
})();
