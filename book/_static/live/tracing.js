// SRCNN 9-1-5 at one output pixel: what comes in, what each layer makes of it, and the linear filter that it amounts to.
"use strict";

const tracing = (() => {
  const [N1, N2] = [64, 32];

  // The three layers' weights and biases within the parameters, which are in PyTorch's order.
  function layers(parameters) {
    let at = 0;
    const take = (count) => parameters.subarray(at, (at += count));
    return { W1: take(81 * N1), B1: take(N1), W2: take(N1 * N2), B2: take(N2), W3: take(25 * N2), B3: take(1)[0] };
  }

  // The parameters without some feature maps: their own weights and biases are 0, and so is what they give.
  function without(parameters, first, second) {
    const left = parameters.slice();
    const { W1, B1, W2, B2 } = layers(left);
    for (const k of first) { W1.fill(0, 81 * k, 81 * (k + 1)); B1[k] = 0; }
    for (const k of second) { W2.fill(0, N1 * k, N1 * (k + 1)); B2[k] = 0; }
    return left;
  }

  // Where a place at or beyond the edge takes its value from: a pixel within (h, w), or -1 for a zero.
  function inside(h, w, zeros) {
    return (r, c) => {
      if (zeros && (r < 0 || r >= h || c < 0 || c >= w)) return -1;
      return Math.min(Math.max(r, 0), h - 1) * w + Math.min(Math.max(c, 0), w - 1);
    };
  }

  // At what share of the positions each map of layer 1 is above zero, the maps sorted by it, and chapter 3's three groups.
  function grouped(features) {
    const counts = new Uint32Array(N1);
    for (let i = 0; i < features.length; i++) if (features[i] > 0) counts[i % N1] += 1;
    const share = Array.from(counts, (count) => (count * N1) / features.length);
    const firsts = [...share.keys()].sort((a, b) => share[b] - share[a] || a - b);
    const [often, never] = [share.filter((each) => each > 0.97).length, share.filter((each) => !each).length];
    return { share, firsts, groups: [["almost always", often], ["selective", N1 - often - never], ["never", never]] };
  }

  // The least and the largest of millions of values, and 0.
  function span(values) {
    let [low, high] = [0, 1e-9];
    for (let i = 0; i < values.length; i++) {
      if (values[i] > high) high = values[i];
      else if (values[i] < low) low = values[i];
    }
    return [low, high];
  }

  // The 32 maps by how much their contribution to the output varies over the image, the strongest first.
  function strongest(parameters, { h, w, mapped }) {
    const { W3 } = layers(parameters);
    const find = inside(h, w, false);
    const [sum, squares, here] = [new Float64Array(N2), new Float64Array(N2), new Float64Array(N2)];
    for (let r = 0; r < h; r++) {
      for (let c = 0; c < w; c++) {
        here.fill(0);
        for (let e = 0; e < 25; e++) {
          const q = N2 * find(r + Math.floor(e / 5) - 2, c + (e % 5) - 2);
          for (let k = 0; k < N2; k++) here[k] += W3[25 * k + e] * mapped[q + k];
        }
        for (let k = 0; k < N2; k++) { sum[k] += here[k]; squares[k] += here[k] ** 2; }
      }
    }
    const variance = sum.map((each, k) => squares[k] - each ** 2 / (h * w));
    return Array.from(variance.keys()).sort((a, b) => variance[b] - variance[a] || a - b);
  }

  // Everything at the output pixel in a row and a column. `y` is the input (h, w), `features` and `mapped` are what
  // infer() of engine.js keeps, with the same `relu` and `zeros`. Where the ReLUs' switches stand as they do here, the
  // output is the dot product of `filter` (13, 13) with `around`, the input there (0 beyond the edge), plus `constant`.
  function trace(parameters, { y, h, w, features, mapped }, row, column, { relu = true, zeros = false } = {}) {
    const { W1, B1, W2, B2, W3, B3 } = layers(parameters);
    const find = inside(h, w, zeros);
    const around = new Float64Array(169);
    const within = Array.from(around, (_, t) => {
      const q = inside(h, w, true)(row + Math.floor(t / 13) - 6, column + (t % 13) - 6);
      if (q >= 0) around[t] = y[q];
      return q >= 0;
    });
    const patch = Float64Array.from({ length: 81 }, (_, t) => {
      const q = find(row + Math.floor(t / 9) - 4, column + (t % 9) - 4);
      return q < 0 ? 0 : y[q];
    });
    const [contributions, filter, on2, on1] = [N2, 169, N2, N1].map((count) => new Float64Array(count));
    let constant = B3;
    for (let e = 0; e < 25; e++) {
      const q = find(row + Math.floor(e / 5) - 2, column + (e % 5) - 2);
      if (q < 0) continue;
      on1.fill(0);
      for (let k = 0; k < N2; k++) {
        const activation = mapped[N2 * q + k];
        contributions[k] += W3[25 * k + e] * activation;
        on2[k] = !relu || activation > 0 ? W3[25 * k + e] : 0; // the weight of this map's ReLU, if it is on
        constant += on2[k] * B2[k];
        if (on2[k]) for (let j = 0; j < N1; j++) on1[j] += on2[k] * W2[N1 * k + j];
      }
      for (let j = 0; j < N1; j++) {
        if (relu && features[N1 * q + j] <= 0) on1[j] = 0;
        constant += on1[j] * B1[j];
      }
      const [top, left] = [Math.floor(q / w), q % w];
      for (let t = 0; t < 81; t++) {
        const s = find(top + Math.floor(t / 9) - 4, left + (t % 9) - 4);
        if (s < 0) continue;
        let weight = 0;
        for (let j = 0; j < N1; j++) if (on1[j]) weight += on1[j] * W1[81 * j + t];
        filter[13 * (Math.floor(s / w) - row + 6) + (s % w) - column + 6] += weight;
      }
    }
    const at = row * w + column;
    const dot = filter.reduce((total, weight, t) => total + weight * around[t], 0);
    return { row, column, patch, around, within, contributions, filter, constant, dot, bias: B3,
      features: features.slice(N1 * at, N1 * (at + 1)), mapped: mapped.slice(N2 * at, N2 * (at + 1)) };
  }

  return { layers, without, grouped, span, strongest, trace };
})();
