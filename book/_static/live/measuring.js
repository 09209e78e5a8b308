// Four color photographs measured by the protocol at x3, or with steps of it changed as chapter 7 changes them.
"use strict";

const measuring = (() => {
  const SCALE = 3, SHAVES = [0, 3, 6];
  // What is asked of each step; the first is the protocol's.
  const STEPS = {
    color: ["luma", "gray", "rgb"],
    size: ["crop", "resize"],
    kernel: ["matlab", "torch"],
    low: ["float", "bytes"],
    output: ["bytes", "float"],
    shave: ["3", "0", "6"],
    peak: ["255", "max"],
    mean: ["decibels", "errors"],
  };
  const PROTOCOL = Object.fromEntries(Object.entries(STEPS).map(([step, options]) => [step, options[0]]));

  const round = (value) => Math.min(255, Math.max(0, Math.round(255 * value))) / 255;
  const quantize = (plane) => plane.map(round);

  // The photographs of colors.js: { name, side, rgb: three planes in 0..1 }.
  const photographs = () => Promise.all(Object.entries(liveColors).map(async ([name, png]) => {
    const { w: side, plane } = await kit.decoded(png);
    return { name, side, rgb: [0, 1, 2].map(plane) };
  }));

  const mixed = ([r, g, b], weights, offset = 0) =>
    Float32Array.from(r, (_, i) => offset + weights[0] * r[i] + weights[1] * g[i] + weights[2] * b[i]);
  const LUMA = [65.481, 128.553, 24.966].map((weight) => weight / 255);
  const GRAY = [0.298936, 0.587043, 0.114021];

  // What is measured: luma in studio range, gray in full range, or all three channels.
  function channels(rgb, color) {
    if (color === "rgb") return rgb;
    return [quantize(color === "luma" ? mixed(rgb, LUMA, 16 / 255) : mixed(rgb, GRAY))];
  }

  // A square plane resampled to another side, by imresize or as torch does it by default: a = -0.75, no antialiasing.
  function resample(plane, from, to, kernel) {
    const torch = { kernel: (x) => resampling.cubic(x, -0.75), stretch: 1, edge: "repeat" };
    return resampling.resample(plane, from, from, to, to, kernel === "torch" ? torch : {});
  }

  // Mean squared errors of bicubic interpolation and of SRCNN, { "bytes 3": ..., "float 0": ..., ... }, by rounding and
  // shaving, and the largest value of the original.
  function errors({ side, rgb }, { color, size, kernel, low }, network) {
    const whole = side - (side % SCALE), small = whole / SCALE;
    const truth = channels(rgb, color).map((plane) => (size === "crop" ? kit.crop(plane, side, 0, 0, whole, whole)
      : quantize(resampling.resample(plane, side, side, whole, whole, { edge: "drop" }))));
    const bicubic = truth.map((plane) => {
      const shrunk = resample(plane, whole, small, kernel);
      return resample(low === "bytes" ? quantize(shrunk) : shrunk, small, whole, kernel);
    });
    // In color the network sharpens luma alone; Cb and Cr stay, so all three channels change by the same amount.
    const input = color === "rgb" ? mixed(bicubic, LUMA, 16 / 255) : bicubic[0];
    const { output } = network.infer(input, whole, whole);
    const sharpened = color === "rgb"
      ? bicubic.map((plane) => plane.map((value, i) => value + ((output[i] - input[i]) * 255) / 219)) : [output];
    const peak = truth.reduce((most, plane) => plane.reduce((a, b) => Math.max(a, b), most), 0);
    return { bicubic: table(bicubic, truth, whole), srcnn: table(sharpened, truth, whole), peak };
  }

  function table(planes, truth, side) {
    const found = {};
    for (const output of STEPS.output) for (const shave of SHAVES) {
      let sum = 0;
      planes.forEach((plane, c) => {
        const values = output === "bytes" ? quantize(plane) : plane;
        for (let r = shave; r < side - shave; r++) {
          for (let i = r * side + shave; i < (r + 1) * side - shave; i++) sum += (values[i] - truth[c][i]) ** 2;
        }
      });
      found[`${output} ${shave}`] = sum / (planes.length * (side - 2 * shave) ** 2);
    }
    return found;
  }

  // The PSNR of each photograph, and the score of all: the mean of the PSNRs, or the PSNR of the mean error.
  function scores(found, method, { output, shave, peak, mean }) {
    const relative = found.map((one) => one[method][`${output} ${shave}`] / (peak === "max" ? one.peak ** 2 : 1));
    const average = (values) => values.reduce((a, b) => a + b) / values.length;
    const each = relative.map((error) => -10 * Math.log10(error));
    return { each, score: mean === "decibels" ? average(each) : -10 * Math.log10(average(relative)) };
  }

  return { STEPS, PROTOCOL, photographs, errors, scores };
})();
