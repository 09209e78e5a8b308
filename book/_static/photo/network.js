// SRCNN 9-1-5 as `srcnn upscale` computes it, for some rows of an image at a time: by the engine (live/engine.js), or in
// plain JavaScript where the browser has no SIMD.
//
// The text of this one function is what each Worker runs (run.js): a page opened from a disk may start no Worker from
// a file, only from a text that it already has. In plain JavaScript numbers are kept as float64, its own kind, which
// spares the processor a conversion at every step.
"use strict";

function photoWorker(port) {
  const [FILTERS, FEATURES] = [64, 32]; // n1, n2
  const [EXTRACTION, RECONSTRUCTION] = [9, 5]; // f1, f3; f2 is 1
  const [REACH, RING] = [EXTRACTION >> 1, RECONSTRUCTION >> 1]; // beyond a pixel on each side: 4 and 2

  // BT.601 in studio range, of 0..1, as srcnn.color has it, and its inverse
  const TO_YCBCR = [65.481, 128.553, 24.966, -37.797, -74.203, 112, 112, -93.786, -18.214].map((v) => v / 255);
  const OFFSET = [16 / 255, 128 / 255, 128 / 255];
  const TO_RGB = inverse(TO_YCBCR);

  let network, fast, ready, scale, width, height, across, down;

  port.onmessage = async ({ data }) => {
    if (data.weights) {
      ({ scale, width, height } = data);
      [across, down] = [taps(width, scale), taps(height, scale)];
      const parameters = new Float32Array(data.weights);
      network = layers(parameters);
      ready = Promise.resolve(data.code && engine(data.code)).then((made) => (fast = made?.network(parameters))).catch(() => {});
      return;
    }
    await ready;
    const done = strip(data);
    port.postMessage(done, [done.bicubic.buffer, done.srcnn.buffer]);
  };

  // The small picture's rows first..last-1, enlarged. `bytes` are RGBA from row `top` on, with the rows around them
  // that the result depends on.
  function strip({ bytes, top, first, last }) {
    const [start, end] = [first * scale, last * scale];
    const rows = bytes.length / (4 * width);
    const small = planes(bytes, rows);
    const luma = [];
    const border = REACH + RING;
    for (let y = clamp(start - border, height); y <= clamp(end - 1 + border, height); y++) {
      luma[y] = padded(enlargedRow(small[0], y, top), REACH);
    }
    const size = width * scale;
    const bicubic = new Uint8ClampedArray(4 * size * (end - start));
    const srcnn = new Uint8ClampedArray(bicubic.length);
    const sharp = fast ? sharpened(luma, start, end) : sharpenedPlainly(luma, start, end);
    for (let y = start; y < end; y++) {
      const colors = small.slice(1).map((plane) => enlargedRow(plane, y, top));
      paint(bicubic, srcnn, (y - start) * size, luma[y].subarray(REACH, REACH + size), sharp[y - start], colors);
    }
    return { first, last, bicubic, srcnn };
  }

  // The output's rows by the engine, which pads for itself.
  function sharpened(luma, start, end) {
    const size = width * scale;
    const rows = Object.keys(luma).map(Number);
    const plane = new Float32Array(rows.length * size);
    rows.forEach((y, number) => plane.set(luma[y].subarray(REACH, REACH + size), number * size));
    const { output } = fast.infer(plane, height * scale, size, { first: start, last: end, top: rows[0] });
    return Array.from({ length: end - start }, (_, y) => output.subarray(y * size, (y + 1) * size));
  }

  function sharpenedPlainly(luma, start, end) {
    const features = [];
    for (let y = clamp(start - RING, height); y <= clamp(end - 1 + RING, height); y++) {
      features[y] = null; // made when first needed, dropped when last used
    }
    return Array.from({ length: end - start }, (_, number) => {
      const sharp = new Float64Array(width * scale);
      const around = [];
      for (let dy = -RING; dy <= RING; dy++) {
        const k = clamp(start + number + dy, height);
        features[k] ??= featureRow(luma, k);
        around.push(features[k]);
      }
      delete features[start + number - RING - 1];
      reconstruct(around, sharp);
      return sharp;
    });
  }

  // The edge pixel again and again beyond the edge: the padding before every layer.
  function clamp(y, small) {
    return Math.min(Math.max(y, 0), small * scale - 1);
  }

  function padded(row, side) {
    const wide = new Float64Array(row.length + 2 * side);
    wide.fill(row[0], 0, side).set(row, side);
    return wide.fill(row[row.length - 1], row.length + side);
  }

  // Color ------------------------------------------------------------------------------------------------------

  // RGBA bytes to three planes: luma and the two color differences.
  function planes(bytes, rows) {
    const count = rows * width;
    return OFFSET.map((offset, d) => {
      const [plane, [r, g, b]] = [new Float64Array(count), TO_YCBCR.slice(3 * d).map((weight) => weight / 255)];
      for (let i = 0; i < count; i++) plane[i] = r * bytes[4 * i] + g * bytes[4 * i + 1] + b * bytes[4 * i + 2] + offset;
      return plane;
    });
  }

  // One row of both results, back to bytes: two lumas with the same colors. A Uint8ClampedArray rounds and clips what is
  // put in. The three rows of TO_RGB begin with the same number.
  function paint(bicubic, srcnn, from, plain, sharp, [blue, red]) {
    const [gain, rb, rr, , gb, gr, , bb, br] = TO_RGB.map((weight) => 255 * weight);
    for (let x = 0, at = 4 * from; x < plain.length; x++, at += 4) {
      const [cb, cr] = [blue[x] - OFFSET[1], red[x] - OFFSET[2]];
      const [r, g, b] = [rb * cb + rr * cr, gb * cb + gr * cr, bb * cb + br * cr];
      const [p, s] = [gain * (plain[x] - OFFSET[0]), gain * (sharp[x] - OFFSET[0])];
      bicubic[at] = p + r; bicubic[at + 1] = p + g; bicubic[at + 2] = p + b; bicubic[at + 3] = 255;
      srcnn[at] = s + r; srcnn[at + 1] = s + g; srcnn[at + 2] = s + b; srcnn[at + 3] = 255;
    }
  }

  function inverse([a, b, c, d, e, f, g, h, i]) {
    const adjugate = [e * i - f * h, c * h - b * i, b * f - c * e, f * g - d * i, a * i - c * g, c * d - a * f,
      d * h - e * g, b * g - a * h, a * e - b * d];
    const determinant = a * adjugate[0] + b * adjugate[3] + c * adjugate[6];
    return adjugate.map((v) => v / determinant);
  }

  // Bicubic interpolation -----------------------------------------------------------------------------------------

  // For each pixel of an enlarged line the four small ones that it is made of, and their weights (Keys, a = -0.5).
  // Beyond the edge the picture is seen as in a mirror, the edge pixel twice.
  function taps(size, times) {
    const [from, weights] = [new Int32Array(4 * size * times), new Float64Array(4 * size * times)];
    for (let x = 0; x < size * times; x++) {
      const center = (x + 0.5) / times;
      const left = Math.floor(center - 1.5);
      for (let k = 0; k < 4; k++) {
        const wrapped = (left + k + 2 * size) % (2 * size);
        from[4 * x + k] = wrapped < size ? wrapped : 2 * size - 1 - wrapped;
        weights[4 * x + k] = keys(Math.abs(left + k + 0.5 - center));
      }
    }
    return { from, weights };
  }

  function keys(t) {
    if (t >= 2) return 0;
    return t < 1 ? (1.5 * t - 2.5) * t * t + 1 : ((-0.5 * t + 2.5) * t - 4) * t + 2;
  }

  // Row y of the enlarged plane; the plane begins at row `top` of the small picture.
  function enlargedRow(plane, y, top) {
    const column = new Float64Array(width);
    for (let k = 0; k < 4; k++) {
      const [from, weight] = [(down.from[4 * y + k] - top) * width, down.weights[4 * y + k]];
      if (weight) for (let x = 0; x < width; x++) column[x] += weight * plane[from + x];
    }
    const made = new Float64Array(width * scale);
    const { from, weights } = across;
    for (let x = 0; x < made.length; x++) {
      const k = 4 * x;
      made[x] = weights[k] * column[from[k]] + weights[k + 1] * column[from[k + 1]] +
        weights[k + 2] * column[from[k + 2]] + weights[k + 3] * column[from[k + 3]];
    }
    return made;
  }

  // The network ---------------------------------------------------------------------------------------------------

  // The file's numbers in the order in which the loops below read them.
  function layers(numbers) {
    let at = 0;
    const take = (count) => Float64Array.from(numbers.subarray(at, (at += count)));
    const area = EXTRACTION * EXTRACTION;
    return {
      extraction: byFours(take(FILTERS * area), area),
      extractionBias: take(FILTERS),
      mapping: byFours(take(FEATURES * FILTERS), FILTERS),
      mappingBias: take(FEATURES),
      reconstruction: take(FEATURES * RECONSTRUCTION * RECONSTRUCTION),
      bias: take(1)[0],
    };
  }

  // (filter, tap) to (group of four filters, tap, filter of the group)
  function byFours(weights, area) {
    return weights.map((_, i) => {
      const [group, rest] = [Math.floor(i / (4 * area)), i % (4 * area)];
      return weights[(4 * group + (rest % 4)) * area + (rest >> 2)];
    });
  }

  // Row y of the second layer's maps: FEATURES padded rows, one after the other.
  function featureRow(luma, y) {
    const size = width * scale;
    const even = size + (size & 1); // pixels are made two at a time
    const input = new Float64Array(EXTRACTION * (even + 2 * REACH));
    for (let dy = 0; dy < EXTRACTION; dy++) input.set(luma[clamp(y + dy - REACH, height)], dy * (even + 2 * REACH));
    const maps = new Float64Array(even * FILTERS);
    for (let group = 0; group < FILTERS; group += 4) extract(input, even, group, maps);
    const wide = size + 2 * RING;
    const made = new Float64Array(FEATURES * wide + 1); // an odd row's last pair writes one more
    for (let group = 0; group < FEATURES; group += 4) map(maps, size, group, made, wide);
    for (let c = 0; c < FEATURES; c++) {
      const from = c * wide;
      made.fill(made[from + RING], from, from + RING);
      made.fill(made[from + RING + size - 1], from + RING + size, from + wide);
    }
    return made;
  }

  // Patch extraction: four filters at two pixels at a time, so that eight sums stay in the processor's registers.
  function extract(input, even, group, maps) {
    const { extraction: weights, extractionBias: bias } = network;
    const stride = even + 2 * REACH;
    for (let x = 0; x < even; x += 2) {
      let a0 = bias[group], a1 = bias[group + 1], a2 = bias[group + 2], a3 = bias[group + 3];
      let b0 = a0, b1 = a1, b2 = a2, b3 = a3;
      let w = group * EXTRACTION * EXTRACTION;
      for (let dy = 0; dy < EXTRACTION; dy++) {
        const from = dy * stride + x;
        let p = input[from];
        for (let dx = 1; dx <= EXTRACTION; dx++, w += 4) {
          const q = input[from + dx];
          const w0 = weights[w], w1 = weights[w + 1], w2 = weights[w + 2], w3 = weights[w + 3];
          a0 += w0 * p; a1 += w1 * p; a2 += w2 * p; a3 += w3 * p;
          b0 += w0 * q; b1 += w1 * q; b2 += w2 * q; b3 += w3 * q;
          p = q;
        }
      }
      const at = x * FILTERS + group;
      maps[at] = relu(a0); maps[at + 1] = relu(a1); maps[at + 2] = relu(a2); maps[at + 3] = relu(a3);
      maps[at + FILTERS] = relu(b0); maps[at + FILTERS + 1] = relu(b1);
      maps[at + FILTERS + 2] = relu(b2); maps[at + FILTERS + 3] = relu(b3);
    }
  }

  // Non-linear mapping, in the same way.
  function map(maps, size, group, made, wide) {
    const { mapping: weights, mappingBias: bias } = network;
    const start = group * FILTERS;
    for (let x = 0; x < size; x += 2) {
      let a0 = bias[group], a1 = bias[group + 1], a2 = bias[group + 2], a3 = bias[group + 3];
      let b0 = a0, b1 = a1, b2 = a2, b3 = a3;
      const from = x * FILTERS;
      for (let k = 0; k < FILTERS; k++) {
        const p = maps[from + k], q = maps[from + FILTERS + k], w = start + 4 * k;
        const w0 = weights[w], w1 = weights[w + 1], w2 = weights[w + 2], w3 = weights[w + 3];
        a0 += w0 * p; a1 += w1 * p; a2 += w2 * p; a3 += w3 * p;
        b0 += w0 * q; b1 += w1 * q; b2 += w2 * q; b3 += w3 * q;
      }
      const at = group * wide + RING + x;
      made[at] = relu(a0); made[at + wide] = relu(a1); made[at + 2 * wide] = relu(a2); made[at + 3 * wide] = relu(a3);
      made[at + 1] = relu(b0); made[at + wide + 1] = relu(b1);
      made[at + 2 * wide + 1] = relu(b2); made[at + 3 * wide + 1] = relu(b3);
    }
  }

  // Reconstruction: one filter over five rows of maps, four pixels at a time.
  function reconstruct(around, sharp) {
    const weights = network.reconstruction;
    const wide = sharp.length + 2 * RING;
    sharp.fill(network.bias);
    around.forEach((maps, dy) => {
      for (let c = 0; c < FEATURES; c++) {
        const w = (c * RECONSTRUCTION + dy) * RECONSTRUCTION;
        const w0 = weights[w], w1 = weights[w + 1], w2 = weights[w + 2], w3 = weights[w + 3], w4 = weights[w + 4];
        const from = c * wide;
        let p = maps[from], q = maps[from + 1], r = maps[from + 2], s = maps[from + 3];
        for (let x = 0; x < sharp.length; x++) {
          const t = maps[from + x + 4];
          sharp[x] += w0 * p + w1 * q + w2 * r + w3 * s + w4 * t;
          p = q; q = r; r = s; s = t;
        }
      }
    });
  }

  function relu(v) {
    return v > 0 ? v : 0;
  }
}
