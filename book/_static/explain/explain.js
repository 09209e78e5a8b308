// What `srcnn explain` tells of two images, in the page: the same ways of measuring, the same sentences. The command is
// srcnn/cli/explain.py, and a test compares the two. An image is { name, width, height, bytes, gray }, bytes RGBA.
"use strict";

// What can be compared: of three bytes the value, in 0..1. LEVEL has what the command's float32 makes of a byte.
const LEVEL = Float64Array.from({ length: 256 }, (_, byte) => Math.fround(byte / 255));
const studio = (r, g, b) => (65.481 * LEVEL[r] + 128.553 * LEVEL[g] + 24.966 * LEVEL[b] + 16) / 255;
const EXPLAIN_VALUES = {
  "luma of 16 to 235, rounded": (r, g, b) => Math.round(255 * studio(r, g, b)) / 255,
  "luma of 16 to 235, not rounded": studio,
  "luma of 0 to 255, rounded": (r, g, b) => Math.floor((299 * r + 587 * g + 114 * b) / 1000 + 0.5) / 255,
  "luma of 0 to 255, not rounded": (r, g, b) => (299 * r + 587 * g + 114 * b) / 255000,
  "luma of 16 to 234 (a matrix over 256), not rounded": (r, g, b) =>
    (64738 * r + 129057 * g + 25064 * b) / (256000 * 255) + 16 / 255,
  RGB: null, // the channels as they are
};
const [EXPLAIN_LUMA] = Object.keys(EXPLAIN_VALUES);
const EXPLAIN_GRAY = "gray values as they are"; // the only ones of gray files
const EXPLAIN_WINDOWS = [
  "Gaussian window of 11 x 11, whole windows",
  "Gaussian window of 11 x 11, repeated border, as MATLAB's ssim has it",
  "Gaussian window of 11 x 11, mirrored border, as torchmetrics 1.4.2 and later have it",
  "uniform window of 7 x 7, as scikit-image has it",
];
const EXPLAIN_MOST = 5e6; // pixels of an image: the largest of the usual sets have 4.2 million

const explainSize = ({ width, height }) => `${width} x ${height}`;

// The planes that are compared, cut by a border: [{ width, height, data }], one for luma, three for RGB.
function explainPlanes(image, name, border) {
  const { bytes, gray } = image;
  const [width, height] = [image.width - 2 * border, image.height - 2 * border];
  const of = EXPLAIN_VALUES[name];
  const asItIs = gray && [EXPLAIN_LUMA, EXPLAIN_GRAY].includes(name);
  const kinds = asItIs ? [(r) => LEVEL[r]] : of ? [of] : [(r) => LEVEL[r], (r, g) => LEVEL[g], (r, g, b) => LEVEL[b]];
  return kinds.map((value) => {
    const data = new Float64Array(width * height);
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0, k = 4 * ((y + border) * image.width + border); x < width; x++, k += 4) {
        data[i++] = value(bytes[k], bytes[k + 1], bytes[k + 2]);
      }
    }
    return { width, height, data };
  });
}

function explainError(a, b) {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += (a.data[i] - b.data[i]) ** 2;
  return sum / a.data.length;
}

const explainDecibels = (error) => -10 * Math.log10(error); // Infinity for equal images
const explainMean = (numbers) => numbers.reduce((sum, n) => sum + n, 0) / numbers.length;

// Which pixel of a line stands where it has none: its last one again, or c b | a b c | b a.
const EXPLAIN_REPEATED = (k, length) => Math.min(Math.max(k, 0), length - 1);
const EXPLAIN_MIRRORED = (k, length) => (k < 0 ? -k : k < length ? k : 2 * length - 2 - k);

// A plane under a window, row by row and then column by column.
function explainFiltered({ width, height, data }, taps, beyond) {
  const reach = taps.length >> 1;
  const pass = (from, length, step, count, stride) => {
    const to = new Float64Array(from.length);
    for (let line = 0; line < count; line++) {
      for (let at = 0; at < length; at++) {
        let sum = 0;
        for (let t = -reach; t <= reach; t++) {
          sum += taps[t + reach] * from[line * stride + step * beyond(at + t, length)];
        }
        to[line * stride + step * at] = sum;
      }
    }
    return to;
  };
  return pass(pass(data, height, width, width, 1), width, 1, height, width);
}

// SSIM at each pixel. `sample`: variances are divided by one less than the number of pixels.
function explainSsimMap(a, b, taps, beyond, sample = false) {
  const filtered = (value) => explainFiltered({ ...a, data: a.data.map((x, i) => value(x, b.data[i])) }, taps, beyond);
  const [ma, mb, maa, mbb, mab] = [(x) => x, (x, y) => y, (x) => x * x, (x, y) => y * y, (x, y) => x * y].map(filtered);
  const unbiased = sample ? taps.length ** 2 / (taps.length ** 2 - 1) : 1;
  const [c1, c2] = [0.01 ** 2, 0.03 ** 2];
  return ma.map((x, i) => {
    const y = mb[i];
    const [va, vb, vab] = [maa[i] - x * x, mbb[i] - y * y, mab[i] - x * y].map((v) => v * unbiased);
    return ((2 * x * y + c1) * (2 * vab + c2)) / ((x * x + y * y + c1) * (va + vb + c2));
  });
}

// SSIM by each of the windows.
function explainSsims(a, b) {
  const bell = Array.from({ length: 11 }, (_, k) => Math.exp(-((k - 5) ** 2) / (2 * 1.5 ** 2)));
  const total = bell.reduce((sum, tap) => sum + tap);
  const inside = (map, cut) => explainMean(map.filter((_, i) => {
    const [x, y] = [i % a.width, Math.floor(i / a.width)];
    return Math.min(x, y, a.width - 1 - x, a.height - 1 - y) >= cut;
  }));
  const [repeated, mirrored] = [EXPLAIN_REPEATED, EXPLAIN_MIRRORED].map((beyond) =>
    explainSsimMap(a, b, bell.map((tap) => tap / total), beyond));
  const uniform = explainSsimMap(a, b, Array(7).fill(1 / 7), EXPLAIN_REPEATED, true);
  return [inside(repeated, 5), inside(repeated, 0), inside(mirrored, 0), inside(uniform, 3)];
}

// Every way of measuring pairs of [output, original]: [{ metric, values, shave, mean, window, value }]. `rest` is
// given the share that is done and awaited, so that the page goes on answering.
async function explainMeasure(pairs, scale, metric, rest = async () => {}) {
  for (const [output] of pairs) {
    if (Math.min(output.width, output.height) <= 2 * (scale + 6) + 11) {
      throw new Error(`an image of ${explainSize(output)} pixels is too small for every border`);
    }
  }
  const found = [];
  const add = (values, shave, value, more) =>
    found.push({ metric, values, shave, mean: "mean over images", window: "", ...more, value });
  const gray = pairs.every(([output]) => output.gray);
  const names = gray ? [EXPLAIN_GRAY] : Object.keys(EXPLAIN_VALUES);
  const borders = [0, scale, scale + 6];
  let done = 0;
  for (const name of names) {
    for (const shave of borders) {
      const each = []; // of every pair the errors of its planes, or the SSIMs
      for (const [output, original] of pairs) {
        const planes = explainPlanes(output, name, shave);
        const others = explainPlanes(original, name, shave);
        each.push(planes.map((plane, c) => (metric === "SSIM" ? explainSsims : explainError)(plane, others[c])));
        await rest(++done / (names.length * borders.length * pairs.length));
      }
      if (metric === "SSIM") {
        EXPLAIN_WINDOWS.forEach((window, w) => {
          add(name, shave, explainMean(each.map((planes) => explainMean(planes.map((values) => values[w])))), { window });
        });
        continue;
      }
      const errors = each.map(explainMean);
      add(name, shave, explainMean(errors.map(explainDecibels)));
      if (pairs.length > 1) add(name, shave, explainDecibels(explainMean(errors)), { mean: "of the mean error" });
      if (name === "RGB") add("RGB, mean of the channels' PSNR", shave, explainMean(each.flat().map(explainDecibels)));
    }
  }
  return found;
}

const explainWay = ({ values, shave, window, mean }) =>
  [values, shave ? `${shave} pixels cut from each side` : "the whole image", window, mean === "mean over images" ? "" : mean]
    .filter(Boolean).join(", ");

// The way of measuring in a sentence that can stand in a paper.
function explainStatement({ metric, values, shave, mean, window }, images) {
  const border = shave ? `after cutting ${shave} pixels from each side` : "over the whole image";
  const over = mean === "mean over images" ? `as the mean over ${images} images` : `of the mean squared error over ${images} images`;
  return `${metric} was computed from 8-bit images on ${values.startsWith("luma") ? "the " : ""}${values}` +
    `${window ? ` with a ${window}` : ""}, ${border}${images > 1 ? `, ${over}` : ""}.`;
}

// A part of an image.
function explainCut(image, left, top, width, height) {
  const bytes = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    const from = 4 * ((y + top) * image.width + left);
    bytes.set(image.bytes.subarray(from, from + 4 * width), 4 * y * width);
  }
  return { ...image, width, height, bytes };
}

// The original in the output's size, and the pixels that the output lost on each side.
function explainAligned(output, original, scale) {
  if (output.gray !== original.gray) {
    const [theirs, ours] = [output, original].map((image) => (image.gray ? 1 : 3));
    throw new Error(`${theirs} channels cannot be compared with ${ours}; save both as RGB or as gray`);
  }
  if (Math.min(original.width, original.height) < scale) {
    throw new Error(`an original of ${explainSize(original)} pixels has nothing to compare`);
  }
  const equal = output.width === original.width && output.height === original.height;
  const by12 = ["width", "height"].every((side) => output[side] === original[side] - (original[side] % 12)); // GTmod12
  const [width, height] = [original.width, original.height]
    .map((side) => (equal ? side : side - (side % (by12 ? 12 : scale))));
  const [columns, rows] = [width - output.width, height - output.height];
  if (rows !== columns || rows < 0 || rows % 2) {
    throw new Error(`an output of ${explainSize(output)} pixels is not of an original of ${width} x ${height} ` +
      `(a multiple of ${scale})`);
  }
  return [explainCut(original, rows / 2, rows / 2, output.width, output.height), rows / 2];
}

// What an output suffers from besides its method: a sentence for each thing whose mending wins half a decibel.
function explainTroubles(output, original) {
  const channels = output.gray ? [0] : [0, 1, 2];
  const psnr = (mend, swapped = false, down = 0, right = 0) => {
    let [sum, count] = [0, 0];
    for (let y = 8; y < output.height - 8; y++) {
      for (let x = 8; x < output.width - 8; x++) {
        const [theirs, ours] = [4 * ((y - down) * output.width + x - right), 4 * (y * output.width + x)];
        for (const c of channels) {
          sum += (mend(LEVEL[output.bytes[theirs + (swapped ? 2 - c : c)]]) - LEVEL[original.bytes[ours + c]]) ** 2;
          count++;
        }
      }
    }
    return explainDecibels(sum / count);
  };
  const before = psnr((v) => v);
  const told = [];
  const moves = [-1, 0, 1].flatMap((down) => [-1, 0, 1].map((right) => [down, right])).filter(([d, r]) => d || r);
  const wins = moves.map(([down, right]) => psnr((v) => v, false, down, right) - before);
  const won = Math.max(...wins);
  if (won > 0.2) { // little in a smooth image, and nothing in a sound one
    const [down, right] = moves[wins.indexOf(won)];
    const move = [["up", "", "down"][down + 1], ["left", "", "right"][right + 1]].filter(Boolean).join(" and ");
    told.push(`The output is shifted by a pixel: moved ${move} it wins ${won.toFixed(1)} dB.`);
  }
  const mendings = {
    "The output has studio range, 16 to 235, and the original full range": [(v) => ((v - 16 / 255) * 255) / 219],
    "The output has full range and the original studio range, 16 to 235": [(v) => (v * 219) / 255 + 16 / 255],
    "The output is brighter by a gamma of 2.2": [(v) => v ** 2.2],
    "The output is darker by a gamma of 2.2": [(v) => v ** (1 / 2.2)],
    ...(output.gray ? {} : { "Red and blue are swapped (BGR)": [(v) => v, true] }),
  };
  for (const [name, mended] of Object.entries(mendings)) {
    const gain = psnr(...mended) - before;
    if (gain > 0.5) told.push(`${name}: mended it wins ${gain.toFixed(1)} dB.`);
  }
  return told;
}

// The number that is claimed, and how many digits it has behind its point.
function explainClaim(text) {
  const match = /^[+-]?(?:\d+(?:\.(\d*))?|\.(\d+))$/.exec(text.trim());
  if (!match) throw new Error(`'${text}' is no figure that can be claimed; give one such as 28.43 or 0.8215`);
  return { text, number: Number(text), digits: (match[1] ?? match[2] ?? "").length };
}

// Everything that the command prints, in its order: { troubles, answer, ways, tables, statement }.
async function explainTell(outputs, originals, claimed, scale, rest) {
  const { text, number, digits } = explainClaim(claimed);
  const metric = number <= 1 ? "SSIM" : "PSNR";
  const troubles = [];
  const pairs = explainPaired(outputs, originals).map(([output, original]) => {
    const [truth, lost] = explainAligned(output, original, scale);
    if (lost) {
      troubles.push(`${output.name}: ${lost} pixels were lost on each side, as by valid convolutions; replicate the edges.`);
    }
    return [output, truth];
  });
  const all = await explainMeasure(pairs, scale, metric, rest);
  for (const pair of pairs) {
    for (const trouble of explainTroubles(...pair)) troubles.push(`${pair[0].name}: ${trouble}`);
  }
  const found = all.filter(({ value }) => Math.abs(value - number) <= 0.5 * 10 ** -digits + 1e-9);
  const away = ({ value }) => Math.abs(value - number);
  const nearest = [...all].sort((a, b) => away(a) - away(b) || 0).slice(0, 3);
  const unit = metric === "PSNR" ? " dB" : "";
  const shown = ({ value }) => `${value === Infinity ? "inf" : value.toFixed(4)}${unit}`;
  const [paper] = all.filter((way) => [EXPLAIN_LUMA, EXPLAIN_GRAY].includes(way.values) && way.shave === scale);
  return {
    troubles,
    answer: found.length ? `${text}${unit} is` : `no way of measuring gives ${text}${unit}; the nearest are`,
    ways: (found.length ? found : nearest).map(
      (way) => `${metric} of ${explainWay(way)}${found.length ? "" : `: ${shown(way)}`}`),
    tables: `the published tables have the ${metric} of ${explainWay(paper)}: ${shown(paper)}`,
    statement: explainStatement(found.includes(paper) || !found.length ? paper : found[0], pairs.length),
  };
}

// Two images, or those of one name.
function explainPaired(outputs, originals) {
  if (outputs.length === 1 && originals.length === 1) return [[outputs[0], originals[0]]];
  const stem = ({ name }) => name.replace(/\.[^.]*$/, "");
  return outputs.map((output) => {
    const original = originals.find((image) => stem(image) === stem(output));
    if (!original) throw new Error(`${output.name} has no original of that name`);
    return [output, original];
  });
}
