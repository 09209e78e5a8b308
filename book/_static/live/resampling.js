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

  // Beyond the edge: "mirror" (c b a | a b c, MATLAB), "repeat" (a a a | a b c), or "drop": those weights are left out
  // and the others divided by their sum.
  const repeat = (at, size) => Math.min(Math.max(at, 0), size - 1);
  const mirror = (at, size) => { at = ((at % (2 * size)) + 2 * size) % (2 * size); return at < size ? at : 2 * size - 1 - at; };
  const BEYOND = { mirror, repeat, drop: repeat };

  // The weights of each output pixel and the places, inside the plane, of what they multiply.
  function placed(from, to, edge, how) {
    return taps(from, to, how).map(({ first, weights }) => {
      const places = weights.map((_, k) => BEYOND[edge](first + k, from));
      if (edge !== "drop") return { places, weights };
      const inside = weights.map((weight, k) => (places[k] === first + k ? weight : 0));
      const sum = inside.reduce((a, b) => a + b);
      return { places, weights: inside.map((weight) => weight / sum) };
    });
  }

  // A plane (h, w) resampled to (height, width).
  function resample(plane, h, w, height, width, { edge = "mirror", ...how } = {}) {
    const result = new Float32Array(height * width);
    const across = placed(w, width, edge, how);
    const row = new Float64Array(w);
    placed(h, height, edge, how).forEach(({ places, weights }, r) => {
      row.fill(0);
      for (let k = 0; k < places.length; k++) {
        const [weight, start] = [weights[k], w * places[k]];
        if (weight) for (let c = 0; c < w; c++) row[c] += weight * plane[start + c];
      }
      for (let c = 0; c < width; c++) {
        const { places: from, weights: of } = across[c];
        let sum = 0;
        for (let k = 0; k < of.length; k++) sum += of[k] * row[from[k]];
        result[r * width + c] = sum;
      }
    });
    return result;
  }

  // The same along one axis as a matrix (to, from), row after row.
  function matrix(from, to, { edge = "mirror", ...how } = {}) {
    const rows = new Float64Array(to * from);
    placed(from, to, edge, how).forEach(({ places, weights }, r) => weights.forEach((weight, k) => {
      rows[r * from + places[k]] += weight;
    }));
    return rows;
  }

  return { cubic, taps, resample, matrix };
})();
