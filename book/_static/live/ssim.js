// kit.ssim: structural similarity as the published tables have it (srcnn.ssim), of planes in 0..1.
"use strict";

Object.assign(kit, (() => {
  const SIDE = 11, C1 = 0.01 ** 2, C2 = 0.03 ** 2;
  const bell = Array.from({ length: SIDE }, (_, k) => Math.exp(-((k - 5) ** 2) / (2 * 1.5 ** 2)));
  const sum = bell.reduce((a, b) => a + b);
  const window = bell.map((weight) => weight / sum);

  // Weighted means over all windows that lie wholly inside the product (h, w) of two planes.
  function means(one, other, h, w) {
    const [tall, wide] = [h - SIDE + 1, w - SIDE + 1];
    const rows = new Float64Array(h * wide);
    const line = new Float64Array(w);
    for (let r = 0; r < h; r++) {
      for (let c = 0; c < w; c++) line[c] = one[r * w + c] * other[r * w + c];
      for (let c = 0; c < wide; c++) {
        let total = 0;
        for (let k = 0; k < SIDE; k++) total += window[k] * line[c + k];
        rows[r * wide + c] = total;
      }
    }
    const result = new Float64Array(tall * wide);
    for (let k = 0; k < SIDE; k++) {
      const from = k * wide;
      for (let i = 0; i < result.length; i++) result[i] += window[k] * rows[from + i];
    }
    return result;
  }

  // A function of an output that gives its SSIM against the target (h, w): what the target alone needs is done once.
  function ssim(target, h, w) {
    const ones = new Float32Array(h * w).fill(1);
    const x = means(target, ones, h, w), xx = means(target, target, h, w);
    return (output) => {
      const f = means(output, ones, h, w), ff = means(output, output, h, w), xf = means(target, output, h, w);
      let total = 0;
      for (let i = 0; i < x.length; i++) {
        const brightness = (2 * x[i] * f[i] + C1) / (x[i] ** 2 + f[i] ** 2 + C1);
        const spreads = xx[i] - x[i] ** 2 + ff[i] - f[i] ** 2;
        total += (brightness * (2 * (xf[i] - x[i] * f[i]) + C2)) / (spreads + C2);
      }
      return total / x.length;
    };
  }

  return { ssim };
})());
