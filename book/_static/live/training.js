// The figure "Train it here": what the reader sets, and what is seen of the training (train.js).
"use strict";

live.train = (root) => {
  const { make } = kit;
  const settings = { method: "soap", batch: 16, steps: 600, rate: 0.01 };
  const decibels = (value) => `${value.toFixed(2)} dB`;
  let run, resume, scale = 3, own = null, marks = null, toldAt = 0;

  const scales = kit.choice("Scale", { 2: "x2", 3: "x3", 4: "x4" }, 3);
  const methods = kit.choice("Optimizer", { soap: "SOAP", adam: "Adam" }, "soap", (value) => (settings.method = value));
  const rate = kit.slider("Learning rate", { min: -4, max: 0, step: 0.05, value: -2, map: (x) => 10 ** x,
    show: (x) => x.toPrecision(2) }, (value) => (settings.rate = value));
  const batch = kit.slider("Batch size", { min: 4, max: 64, step: 4, value: 16 }, (value) => (settings.batch = value));
  const steps = kit.slider("Steps", { min: 200, max: 5000, step: 100, value: 600 });
  const seed = kit.slider("Seed", { min: 0, max: 99, step: 1, value: 0 });
  const files = make("input", { type: "file", multiple: true, accept: "image/png,image/jpeg,image/webp,image/bmp" });
  const chosen = make("span", {}, "the 8 sample photographs");
  const start = kit.button("Train", begin);
  const pause = kit.button("Pause", hold);
  const stop = kit.button("Stop", () => finish("Stopped"));
  const save = make("a", { hidden: true, className: "live-save" }, "Save the weights");
  const status = kit.status();
  const curve = kit.canvas(640, 280, "PSNR of two held-out photographs over the steps");
  const losses = kit.canvas(640, 160, "Training loss over the steps");
  const filters = kit.canvas(79, 79, "The 64 filters of the first layer", 4);
  const side = 96;
  const views = ["bicubic", "SRCNN", "original"].map((name) => [name, kit.canvas(side, side, `A part of the coins: ${name}`, 2)]);
  curve.className = losses.className = "live-chart";
  pause.disabled = stop.disabled = true;
  status.textContent = "Two photographs, chelsea and coins, are held out; the network never trains on them.";

  const { figure } = kit;
  const drawings = [ // nothing to see before the first score
    make("div", { className: "live-figures", hidden: true },
      figure("PSNR on the held-out photographs (mean of two)", curve), figure("Loss of each batch", losses)),
    make("div", { className: "live-figures", hidden: true },
      figure("First layer: 64 filters, each on its own scale", filters),
      ...views.map(([name, canvas]) => figure(name, canvas))),
  ];
  root.append(
    make("div", { className: "live-controls" }, scales.element, methods.element, rate.element, batch.element,
      steps.element, seed.element,
      make("div", { className: "live-control" }, make("label", {}, "Train on ", files), chosen),
      make("div", { className: "live-buttons" }, start, pause, stop, save)),
    status,
    ...drawings,
  );

  files.addEventListener("change", async () => {
    try {
      own = null;
      if (files.files.length) own = await Promise.all([...files.files].map((file) => kit.plane(file, { least: 36 })));
      chosen.textContent = own ? `${own.length} of your photographs` : "the 8 sample photographs";
    } catch (error) {
      own = null;
      chosen.textContent = "the 8 sample photographs";
      status.textContent = error.message;
    }
  });

  const seen = { steps: [], loss: [], at: [], psnr: [], bicubic: 0 };
  async function begin() {
    start.disabled = true;
    save.hidden = true;
    run = null;
    scale = Number(scales.value); // of this run, whatever is chosen while it runs
    status.textContent = "Loading photographs.";
    try {
      const samples = await kit.samples();
      const held = ["chelsea", "coins"].map((name) => samples[name]);
      const others = Object.entries(samples).filter(([name]) => !["chelsea", "coins"].includes(name));
      const images = own ?? others.map(([, image]) => image);
      Object.assign(settings, { steps: steps.value, batch: batch.value, rate: rate.value, method: methods.value });
      for (const list of ["steps", "loss", "at", "psnr"]) seen[list] = [];
      const given = { images, held, scale, seed: seed.value, settings };
      marks = liveMarks[scale];
      const hear = { step, score, diverged, done: () => finish("Done"), failed: (error) => finish(error.message) };
      run = await trainRun(given, hear);
      pause.disabled = stop.disabled = false;
    } catch (error) {
      finish(error.message);
    }
  }

  function hold() {
    if (resume) { resume(); resume = null; } else resume = run.pause();
    pause.textContent = resume ? "Resume" : "Pause";
  }

  function step(number, loss, current) {
    seen.steps.push(number);
    seen.loss.push(loss);
    if (performance.now() - toldAt < 1000 && number > 10) return; // a screen reader needs time
    toldAt = performance.now();
    told(`Step ${number} of ${settings.steps}, learning rate ${current.toPrecision(2)}`);
  }

  function told(words) {
    const gain = seen.psnr.at(-1) - seen.bicubic;
    if (Number.isNaN(gain)) status.textContent = `${words}.`;
    else status.textContent = `${words}: ${decibels(seen.psnr.at(-1))} on the held-out photographs, ` +
      `${decibels(Math.abs(gain))} ${gain < 0 ? "below" : "above"} bicubic.`;
  }

  function score(number, outputs, pairs) {
    const scores = (images) => images.map((image, k) => kit.psnr(image, pairs[k].high, pairs[k].h, pairs[k].w, scale));
    const mean = (images) => scores(images).reduce((a, b) => a + b) / pairs.length;
    seen.bicubic = mean(pairs.map(({ low }) => low));
    seen.at.push(number);
    seen.psnr.push(mean(outputs));
    const { w, low, high } = pairs[1];
    [low, outputs[1], high].forEach((image, k) => {
      const part = kit.crop(image, w, 80, 140, side, side);
      kit.paint(views[k][1], part, side, side);
    });
    if (run) show(run.average);
    drawings.forEach((one) => (one.hidden = false));
    draw();
  }

  const again = () => { if (seen.psnr.length) draw(); };
  kit.redrawn(root, again);

  function show(parameters) {
    for (let k = 0; k < 64; k++) {
      const filter = parameters.subarray(81 * k, 81 * (k + 1));
      const reach = filter.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);
      kit.paint(filters, filter, 9, 9, { reach, left: 10 * (k % 8), top: 10 * Math.floor(k / 8) });
    }
  }

  function draw() {
    const last = seen.psnr.at(-1);
    const low = Math.min(seen.bicubic - 2, Number.isFinite(last) ? last - 0.5 : Infinity);
    const top = Math.max(seen.bicubic, ...Object.values(marks), ...seen.psnr) + 0.3;
    kit.chart(curve, { series: [{ name: "SRCNN", x: seen.at, y: seen.psnr }], x: "step", y: "PSNR, dB",
      levels: [["bicubic", seen.bicubic], ...Object.entries(marks)], xRange: [0, settings.steps], yRange: [low, top] });
    const logs = seen.loss.map((value) => Math.log10(value));
    if (logs.length) kit.chart(losses, { series: [{ name: "loss", x: seen.steps, y: logs }], x: "step", y: "log10 of the loss",
      xRange: [0, settings.steps], yRange: [Math.min(...logs) - 0.1, Math.max(...logs.filter(Number.isFinite)) + 0.1] });
  }

  function diverged(number) {
    finish(`The training diverged at step ${number}: the loss is not a number any more. A smaller learning rate would help`);
  }

  function finish(words) {
    run?.end();
    told(words);
    if (!seen.psnr.length) status.textContent = words;
    start.disabled = false;
    pause.disabled = stop.disabled = true;
    [pause.textContent, resume] = ["Pause", null];
    if (!run || !run.step) return;
    URL.revokeObjectURL(save.href);
    save.href = URL.createObjectURL(new Blob([safetensors(run.average)]));
    save.download = `srcnn-9-1-5-x${scale}-trained-here.safetensors`;
    save.hidden = false;
  }

  // The weights as a file that `srcnn evaluate --weights` reads.
  function safetensors(parameters) {
    const header = { __metadata__: { card: JSON.stringify({ scale, command: "trained in a page of the book" }) } };
    let at = 0;
    for (const [name, shape] of [["extraction", [64, 1, 9, 9]], ["mapping", [32, 64, 1, 1]], ["reconstruction", [1, 32, 5, 5]]]) {
      for (const [kind, sides] of [["weight", shape], ["bias", [shape[0]]]]) {
        const end = at + 4 * sides.reduce((a, b) => a * b);
        header[`${name}.${kind}`] = { dtype: "F32", shape: sides, data_offsets: [at, end] };
        at = end;
      }
    }
    let text = JSON.stringify(header);
    text = text.padEnd(8 * Math.ceil(text.length / 8));
    const bytes = new Uint8Array(8 + text.length + at);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
    bytes.set(new TextEncoder().encode(text), 8);
    bytes.set(new Uint8Array(parameters.buffer, parameters.byteOffset, at), 8 + text.length);
    return bytes;
  }
};
