// Separable interpolation along both axes, as imresize and the libraries do it (srcnn/resize.py, chapter 6).
"use strict";

const resampling = (() => {
  // Keys' cubic convolution kernel with its parameter a; it is 0 from a distance of 2.
  function cubic(x, a = -0.5) {
    x = Math.abs(x);
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
  }

  // The weights of each output pixel: its first input pixel and a list of weights, which sum to 1. `stretch` widens the
  // kernel (antialiasing; by default as much as the plane shrinks), `shift` moves the grid by input pixels.
  function taps(from, to, { kernel = cubic, radius = 2, stretch = Math.max(1, from / to), shift = 0 } = {}) {
    return Array.from({ length: to }, (_, place) => {
      const center = ((place + 0.5) * from) / to - 0.5 + shift;
      const first = Math.ceil(center - radius * stretch - 1e-9);
      const last = Math.floor(center + radius * stretch + 1e-9);
      const weights = Array.from({ length: last - first + 1 }, (_, k) => kernel((first + k - center) / stretch));
      const sum = weights.reduce((a, b) => a + b);
      return { first, weights: weights.map((weight) => weight / sum) };
    });
  }

  // Beyond the edge: "mirror" (c b a | a b c, MATLAB) or "repeat" (a a a | a b c).
  const BEYOND = {
    mirror: (at, size) => { at = ((at % (2 * size)) + 2 * size) % (2 * size); return at < size ? at : 2 * size - 1 - at; },
    repeat: (at, size) => Math.min(Math.max(at, 0), size - 1),
  };

  // A plane (h, w) resampled to (height, width).
  function resample(plane, h, w, height, width, { edge = "mirror", ...how } = {}) {
    const beyond = BEYOND[edge];
    const between = new Float64Array(height * w);
    taps(h, height, how).forEach(({ first, weights }, r) => weights.forEach((weight, k) => {
      const row = w * beyond(first + k, h);
      for (let c = 0; c < w; c++) between[r * w + c] += weight * plane[row + c];
    }));
    const result = new Float32Array(height * width);
    taps(w, width, how).forEach(({ first, weights }, c) => {
      const places = weights.map((_, k) => beyond(first + k, w));
      for (let r = 0; r < height; r++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k] * between[r * w + places[k]];
        result[r * width + c] = sum;
      }
    });
    return result;
  }

  // The same along one axis as a matrix (to, from), row after row.
  function matrix(from, to, { edge = "mirror", ...how } = {}) {
    const rows = new Float64Array(to * from);
    taps(from, to, how).forEach(({ first, weights }, r) => weights.forEach((weight, k) => {
      rows[r * from + BEYOND[edge](first + k, from)] += weight;
    }));
    return rows;
  }

  return { cubic, taps, resample, matrix };
})();
