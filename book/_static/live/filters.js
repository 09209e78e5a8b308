// Filters of chapter 6: kernels, the weights that they give an LR pixel, and the frequency response of weights.
"use strict";

const filters = (() => {
  const linear = (x) => Math.max(0, 1 - Math.abs(x));
  // a tie between two pixels gives both the same weight
  const box = (x) => (Math.abs(Math.abs(x) - 0.5) < 1e-9 ? 0.5 : Number(Math.abs(x) < 0.5));
  // Kernels by name, as resampling.js takes them; each is 0 beyond its radius.
  const kernels = {
    cubic: (a) => ({ kernel: (x) => resampling.cubic(x, a), radius: 2 }),
    linear: () => ({ kernel: linear, radius: 1 }),
    box: () => ({ kernel: box, radius: 0.5 }),
  };

  // The zone plate of Figure 6.1.
  function zonePlate(side) {
    const values = Float32Array.from({ length: side * side }, (_, i) => {
      const [y, x] = [Math.floor(i / side), i % side].map((at) => at - (side - 1) / 2);
      return 0.5 + 0.5 * Math.cos((Math.PI * (y * y + x * x)) / side);
    });
    return { h: side, w: side, values };
  }

  // The top left part of a plane whose sides are multiples of the scale s.
  function modcrop({ h, w, values }, s) {
    const [rows, columns] = [h - (h % s), w - (w % s)];
    return { h: rows, w: columns, values: kit.crop(values, w, 0, 0, rows, columns) };
  }

  function downsample({ h, w, values }, s, how) {
    return { h: h / s, w: w / s, values: resampling.resample(values, h, w, h / s, w / s, how) };
  }

  function upsample({ h, w, values }, s, how) {
    return { h: h * s, w: w * s, values: resampling.resample(values, h, w, h * s, w * s, how) };
  }

  // What an LR pixel takes of the HR pixels around it; distances are from its position by equation (6.4).
  function weigh(s, how) {
    const { first, weights } = resampling.taps(8 * s, 8, how)[4];
    return { weights, distances: weights.map((_, k) => first + k - (4.5 * s - 0.5)) };
  }

  // The magnitude of the frequency response, which does not depend on where distances are measured from.
  function response({ weights, distances }, f) {
    let [real, imaginary] = [0, 0];
    weights.forEach((weight, k) => {
      real += weight * Math.cos(2 * Math.PI * f * distances[k]);
      imaginary += weight * Math.sin(2 * Math.PI * f * distances[k]);
    });
    return Math.hypot(real, imaginary);
  }

  // The share of the energy of a downsampled row that comes from beyond the Nyquist frequency of the LR grid, if the HR
  // row has the same energy at every frequency: an integral of the squared response, in closed form.
  function aliased({ weights }, s) {
    let [all, within] = [0, 0];
    weights.forEach((one, j) => weights.forEach((other, k) => {
      const x = (Math.PI * (j - k)) / s;
      within += (one * other * (j === k ? 1 : Math.sin(x) / x)) / s;
      if (j === k) all += one * other;
    }));
    return 1 - within / all;
  }

  return { kernels, zonePlate, modcrop, downsample, upsample, weigh, response, aliased };
})();
