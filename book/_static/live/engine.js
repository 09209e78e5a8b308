// The engine of the live pages: WebAssembly where the browser has SIMD; see engine.c for the arithmetic.
//
// A page opened from a disk may read no file, so the compiled code comes as a script (code.js), and a Worker is started
// from the text of this one function. engine(code) gives the calls below; `code` is {plain, relaxed}, both base64, or
// the `compiled` of another engine: threads that share one also share what the browser makes quicker while it runs.
"use strict";

async function engine(code) {
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  let { module, relaxed = true } = code.module ? code : {};
  module ??= await WebAssembly.compile(bytes(code.relaxed)).catch(() => {
    relaxed = false; // no fused multiply-add in this browser
    return WebAssembly.compile(bytes(code.plain)); // fails where there is no SIMD at all
  });
  const wasm = (await WebAssembly.instantiate(module)).exports;
  const floats = (at, count) => new Float32Array(wasm.memory.buffer, at, count);
  const ints = (at, count) => new Int32Array(wasm.memory.buffer, at, count);

  function room(count) {
    const at = wasm.alloc(count);
    if (!at) throw new RangeError("there is not enough memory for this image");
    return at;
  }
  function put(values) {
    const at = room(values.length);
    (values instanceof Int32Array ? ints : floats)(at, values.length).set(values);
    return at;
  }
  // What is allocated within `work` is given back after it.
  function scratch(work) {
    const mark = wasm.mark();
    try { return work(); } finally { wasm.release(mark); }
  }

  // A plane (h, w) resampled to (height, width) by bicubic interpolation; shrinking widens the kernel.
  function resample(plane, h, w, height, width) {
    return scratch(() => {
      const table = (from, to) => {
        const most = 2 * Math.ceil(2 * Math.max(1, from / to)) * to;
        const [place, weight] = [room(most), room(most)];
        return [place, weight, wasm.taps(from, to, place, weight)];
      };
      const [down, across] = [table(h, height), table(w, width)];
      const [x, between, y] = [put(plane), room(height * w), room(height * width)];
      wasm.resample(x, w, height, width, ...down, ...across, between, y);
      return floats(y, height * width).slice();
    });
  }

  // A network of three layers with the given parameters, in PyTorch's order: weights, biases, weights, ...
  function network(parameters, [f1, f2, f3] = [9, 1, 5], [n1, n2] = [64, 32]) {
    const layers = [[f1, 1, n1], [f2, n1, n2], [f3, n2, 1]].map(([k, input, out]) => ({ k, input, out, taps: k * k }));
    const count = layers.reduce((sum, { taps, input, out }) => sum + out * (taps * input + 1), 0);
    const at = put(parameters.subarray(0, count));
    let place = at;
    for (const layer of layers) {
      const { taps, input, out } = layer;
      layer.weight = place;
      layer.bias = place + 4 * taps * input * out;
      place = layer.bias + 4 * out;
      for (const name of ["packed", "flipped"]) layer[name] = room(taps * input * out);
    }
    const border = layers.reduce((sum, { k }) => sum + (k - 1) / 2, 0);

    function changed() {
      for (const { weight, out, input, taps, packed, flipped } of layers) {
        wasm.pack(weight, out, input, taps, packed);
        wasm.flip(weight, out, input, taps, flipped);
      }
    }
    changed();

    const convolve = ({ k, input, out, packed, bias }, x, h, w, relu) => {
      const y = room((h - k + 1) * (w - k + 1) * out);
      wasm.conv(x, h, w, input, k, out, packed, bias, relu, y);
      return y;
    };

    // Rows first..last-1 of the output for a plane (h, w), each layer's input padded by repeating its border. `plane`
    // may have only rows from `top` on, as long as they include the `border` rows around. With `keep` also the two
    // layers' activations, (rows, w, channels), from row `from` on. The book also tries zeros as padding, and no ReLUs.
    function infer(plane, h, w, { first = 0, last = h, top = 0, keep = false, zeros = false, relu = true } = {}) {
      return scratch(() => {
        const reach = layers.map(({ k }) => (k - 1) / 2);
        const rows = (by) => [Math.max(0, first - by), Math.min(h, last + by)];
        const needed = [rows(border), rows(reach[1] + reach[2]), rows(reach[2]), [first, last]];
        let [start, end] = needed[0];
        let x = put(plane.subarray((start - top) * w, (end - top) * w));
        const seen = [];
        layers.forEach((layer, number) => {
          const [side, [a, b]] = [reach[number], needed[number + 1]];
          const [above, below] = [Math.max(0, side - (a - start)), Math.max(0, side - (end - b))];
          const padded = side ? room((end - start + above + below) * (w + 2 * side) * layer.input) : x;
          if (side && zeros) {
            const [line, row] = [(w + 2 * side) * layer.input, w * layer.input];
            const all = floats(padded, line * (above + end - start + below)).fill(0);
            for (let r = 0; r < end - start; r++) all.set(floats(x + 4 * r * row, row), line * (above + r) + side * layer.input);
          } else if (side) wasm.pad(x, end - start, w, layer.input, above, below, side, padded);
          x = convolve(layer, padded, end - start + above + below, w + 2 * side, relu && number < 2);
          [start, end] = [a, b];
          if (keep || number === 2) seen.push({ from: a, values: floats(x, (b - a) * w * layer.out).slice() });
        });
        const [features, mapped] = keep ? seen : [];
        return { output: seen.at(-1).values, features, mapped };
      });
    }

    // The mean squared error of a batch, inputs (N, h, w) and targets without their borders, and its gradient in the
    // order of the parameters. `share` weighs the gradient, for batches that several workers share.
    function gradient(inputs, targets, n, h, w, share = 1) {
      return scratch(() => {
        const grad = room(count);
        floats(grad, count).fill(0);
        const sums = layers.map(({ taps, input, out }) => {
          const sum = room(taps * input * out);
          floats(sum, taps * input * out).fill(0);
          return sum;
        });
        const [tall, wide] = [h - 2 * border, w - 2 * border];
        let loss = 0;
        for (let image = 0; image < n; image++) scratch(() => {
          const x = [put(inputs.subarray(image * h * w, (image + 1) * h * w))];
          const sizes = [[h, w]];
          layers.forEach((layer, number) => {
            const [a, b] = sizes[number];
            x.push(convolve(layer, x[number], a, b, number < 2));
            sizes.push([a - layer.k + 1, b - layer.k + 1]);
          });
          const target = put(targets.subarray(image * tall * wide, (image + 1) * tall * wide));
          let g = room(tall * wide);
          loss += wasm.mse(x[3], target, tall * wide, share / n, g) / n;
          for (let number = 2; number >= 0; number--) {
            const { k, input, out, bias, flipped } = layers[number];
            const [[a, b], [c, d]] = [sizes[number], sizes[number + 1]];
            wasm.gradients(x[number], a, b, input, k, out, g, sums[number], grad + bias - at);
            if (!number) break;
            const below = room(a * b * input);
            wasm.backward(g, c, d, input, k, out, flipped, x[number], room((a + k - 1) * (b + k - 1) * out), below);
            g = below;
          }
        });
        layers.forEach(({ weight, out, input, taps }, number) => {
          wasm.unpack(sums[number], out, input, taps, grad + weight - at);
        });
        return { loss, gradient: floats(grad, count).slice() };
      });
    }

    // "adam" or "soap", at a rate; the last layer's rate, and that of all biases, is `slow` times as large.
    function optimizer(name, slow = 0.1) {
      let step = 0;
      const tensors = layers.flatMap(({ weight, bias, taps, input, out, k }, number) => [
        { at: weight, shape: [out, input, k, k], rotated: 1, factor: number < 2 ? 1 : slow },
        { at: bias, shape: [out, 1, 1, 1], rotated: 0, factor: slow },
      ]);
      for (const tensor of tensors) {
        tensor.count = tensor.shape.reduce((a, b) => a * b);
        const squares = tensor.shape.map((side) => tensor.rotated * side * side);
        const size = 2 * tensor.count + 2 * squares.reduce((a, b) => a + b);
        tensor.shapeAt = put(Int32Array.from(tensor.shape));
        [tensor.state, tensor.size] = [room(size), size];
        floats(tensor.state, size).fill(0);
        const largest = Math.max(1, ...squares);
        tensor.room = 4 * Math.max(tensor.count, largest) + 6 * largest + 2;
      }
      return {
        // One step along a gradient in the order of the parameters.
        step(values, rate) {
          scratch(() => {
            const grad = put(values);
            for (const { at: w, count: size, shapeAt, rotated, state, factor, room: needed } of tensors) {
              const g = grad + w - at;
              if (name === "adam") wasm.adam(w, g, state, state + 4 * size, size, rate * factor, step + 1);
              else wasm.soap(w, g, shapeAt, rotated, state, rate * factor, step, room(needed));
            }
          });
          step += 1;
          changed();
        },
        get state() { return { step, tensors: tensors.map(({ state, size }) => floats(state, size).slice()) }; },
        set state(saved) {
          step = saved.step;
          tensors.forEach(({ state, size }, number) => floats(state, size).set(saved.tensors[number]));
        },
      };
    }

    return {
      border, count, infer, gradient, optimizer,
      get parameters() { return floats(at, count).slice(); },
      set parameters(values) { floats(at, count).set(values); changed(); },
    };
  }

  const memory = () => wasm.memory.buffer.byteLength;

  return { compiled: { module, relaxed }, resample, network, memory };
}
