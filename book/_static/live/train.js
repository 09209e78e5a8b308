// SRCNN trained in the page: photographs to pairs, gradients by several Workers, SOAP or Adam, and what comes of it.
"use strict";

// The text of this function is what each Worker runs. It answers every message with what was asked, and its number.
function trainWorker(port) {
  let made, network, optimizer, pairs, scale;
  const side = 33;

  // The pair of a photograph: cropped to a multiple of the scale, downsampled, upsampled.
  function pair({ h, w, values }) {
    const [rows, columns] = [h - (h % scale), w - (w % scale)];
    const high = new Float32Array(rows * columns);
    for (let r = 0; r < rows; r++) high.set(values.subarray(r * w, r * w + columns), r * columns);
    const low = made.resample(high, rows, columns, rows / scale, columns / scale);
    return { h: rows, w: columns, high, low: made.resample(low, rows / scale, columns / scale, rows, columns) };
  }

  // Crops are drawn by seed and step alone: the same numbers, however many Workers share a batch.
  function batch({ seed, step, size, from, to }) {
    const draw = mulberry(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(step + 1, 0x85ebca6b));
    const [edge, inner] = [network.border, side - 2 * network.border];
    const [x, t] = [new Float32Array((to - from) * side * side), new Float32Array((to - from) * inner * inner)];
    const places = pairs.map(({ h, w }) => (h - side + 1) * (w - side + 1));
    const all = places.reduce((a, b) => a + b);
    for (let k = 0; k < size; k++) {
      let place = Math.floor(draw() * all), turn = Math.floor(draw() * 8), image = 0;
      while (place >= places[image]) place -= places[image++];
      if (k < from || k >= to) continue;
      const { w, low, high } = pairs[image];
      const [top, left] = [Math.floor(place / (w - side + 1)), place % (w - side + 1)];
      for (let r = 0; r < side; r++) for (let c = 0; c < side; c++) {
        let [a, b] = turn & 4 ? [c, r] : [r, c]; // mirrored at the diagonal
        if (turn & 1) a = side - 1 - a;
        if (turn & 2) b = side - 1 - b;
        const at = (top + a) * w + left + b;
        x[((k - from) * side + r) * side + c] = low[at];
        const [y, z] = [r - edge, c - edge];
        if (y >= 0 && z >= 0 && y < inner && z < inner) t[((k - from) * inner + y) * inner + z] = high[at];
      }
    }
    return [x, t, to - from, side, side, (to - from) / size];
  }

  const tasks = {
    async start({ code, parameters, images, by, method }) {
      made = await engine(code);
      network = made.network(parameters);
      if (method) optimizer = network.optimizer(method);
      scale = by;
      pairs = images.map(pair).filter(({ h, w }) => h >= side && w >= side);
      return { places: pairs.length };
    },
    gradient({ parameters, ...which }) {
      network.parameters = parameters;
      return network.gradient(...batch(which));
    },
    method({ method }) { optimizer = network.optimizer(method); },
    step({ gradient, rate }) {
      optimizer.step(gradient, rate);
      return network.parameters;
    },
    judge({ parameters }) {
      network.parameters = parameters;
      return pairs.map(({ h, w, low }) => network.infer(low, h, w).output);
    },
    pairs: () => pairs,
  };
  port.onmessage = async ({ data: { number, task, given } }) => {
    try { port.postMessage({ number, done: await tasks[task](given ?? {}) }); }
    catch (error) { port.postMessage({ number, error: error.message }); }
  };
}

// A Worker as a function of a task that promises what it gives.
function trainColleague() {
  const text = `"use strict"; ${engine}; ${mulberry}; (${trainWorker})(self);`;
  const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const worker = new Worker(address);
  const waiting = new Map();
  let number = 0;
  worker.onmessage = ({ data: { number: which, done, error } }) => {
    const { resolve, reject } = waiting.get(which);
    waiting.delete(which);
    if (error) reject(new Error(error));
    else resolve(done);
  };
  const ask = (task, given) => new Promise((resolve, reject) => {
    waiting.set(++number, { resolve, reject });
    worker.postMessage({ number, task, given });
  });
  return { ask, end() { worker.terminate(); URL.revokeObjectURL(address); } };
}

// PyTorch's default initialization: uniform within 1 / sqrt(inputs of a filter), weights and biases alike.
function trainParameters(seed) {
  const draw = mulberry(seed);
  const layer = (inputs, outputs) => Array.from({ length: outputs * (inputs + 1) }, () => (2 * draw() - 1) / Math.sqrt(inputs));
  return Float32Array.from([...layer(81, 64), ...layer(64, 32), ...layer(800, 1)]);
}

// A training: `on` hears of steps, of scores, and of its end. `settings` may change between two steps.
async function trainRun({ images, held, scale, seed, settings, parameters = trainParameters(seed) }, on) {
  const count = Math.max(1, Math.min(4, (navigator.hardwareConcurrency || 2) - 1));
  const colleagues = Array.from({ length: count }, trainColleague);
  const judge = trainColleague();
  const average = parameters.slice();
  let [method, step, stopped, paused, judging] = [settings.method, 0, false, null, null];
  const everyone = [...colleagues, judge];
  const { compiled: code } = await engine(engineCode);
  const end = () => { stopped = true; everyone.forEach((one) => one.end()); };
  const control = {
    average, end,
    get parameters() { return parameters; },
    get step() { return step; },
    pause() { let go; paused = new Promise((resolve) => (go = resolve)); return () => { paused = null; go(); }; },
  };
  const ready = await Promise.all([
    ...colleagues.map((one) => one.ask("start", { code, parameters, images, by: scale, method })),
    judge.ask("start", { code, parameters, images: held, by: scale }),
  ]);
  if (!ready[0].places) {
    end();
    throw new Error("No image is large enough; at least 33 x 33 pixels are needed.");
  }
  const pairs = await judge.ask("pairs");
  const score = async () => {
    const at = step;
    const outputs = await judge.ask("judge", { parameters: average.slice() });
    if (!stopped) on.score(at, outputs, pairs);
  };
  (async () => {
    await score();
    while (step < settings.steps && !stopped) {
      if (paused) await paused;
      if (settings.method !== method) {
        method = settings.method;
        await colleagues[0].ask("method", { method });
      }
      const size = settings.batch;
      const shares = colleagues.map((_, k) => [Math.round((k * size) / count), Math.round(((k + 1) * size) / count)]);
      const parts = await Promise.all(shares.map(([from, to], k) => (from === to ? null
        : colleagues[k].ask("gradient", { parameters, seed, step, size, from, to }))));
      const gradient = new Float32Array(parameters.length);
      let loss = 0;
      parts.forEach((part, k) => {
        if (!part) return;
        part.gradient.forEach((value, i) => (gradient[i] += value));
        loss += (part.loss * (shares[k][1] - shares[k][0])) / size;
      });
      const share = step / settings.steps;
      const rate = settings.rate * Math.min(1, (step + 1) / 20) * (1 + Math.cos(Math.PI * share)) / 2;
      parameters = await colleagues[0].ask("step", { gradient, rate });
      step += 1;
      const weight = 1 / Math.max(1, 0.1 * step);
      parameters.forEach((value, i) => (average[i] += weight * (value - average[i])));
      on.step(step, loss, rate);
      if (!Number.isFinite(loss)) { end(); on.diverged(step); return; }
      if (step % 10 === 0 || step === settings.steps) {
        if (step === settings.steps) { await judging; await score(); }
        else judging ??= score().finally(() => (judging = null));
      }
    }
    if (!stopped) { end(); on.done(step); }
  })().catch((error) => { if (!stopped) { end(); on.failed(error); } });
  return control;
}
