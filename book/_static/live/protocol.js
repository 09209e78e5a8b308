// The figure "Change a step of the protocol": the scores of bicubic interpolation and of SRCNN move with each step.
"use strict";

live.protocol = async (root) => {
  const { make } = kit;
  const WORDS = {
    color: ["Compared", "luma, studio range", "luma, full range", "R, G and B"],
    size: ["Original", "cropped to a multiple of 3", "resized to a multiple of 3"],
    kernel: ["Bicubic", "as MATLAB, antialiased", "PyTorch's default"],
    low: ["LR image", "not rounded", "rounded to bytes"],
    output: ["Output", "rounded to bytes", "not rounded"],
    shave: ["Shaved", "3 pixels", "nothing", "6 pixels"],
    peak: ["Peak", "255", "the original's maximum"],
    mean: ["Score", "mean of the PSNRs", "PSNR of the mean MSE"],
  };
  const photographs = await measuring.photographs();
  const network = (await engine(engineCode)).network(kit.weights(3));
  const known = new Map(); // errors by photograph and by the steps that change images
  let latest = 0, protocol;

  const status = kit.status();
  const choices = Object.fromEntries(Object.entries(measuring.STEPS).map(([step, options]) => {
    const [label, ...words] = WORDS[step];
    const id = `live-protocol-${step}`;
    const select = make("select", { id, autocomplete: "off" }, ...options.map((value, k) => make("option", { value }, words[k])));
    select.addEventListener("change", measure);
    return [step, { select, element: make("div", {}, make("label", { htmlFor: id }, label), select) }];
  }));
  const back = kit.button("Follow the protocol", () => {
    for (const { select } of Object.values(choices)) select.selectedIndex = 0;
    measure();
  });
  const line = kit.canvas(640, 130, "The scores of bicubic interpolation and SRCNN by the protocol and as measured now");
  line.className = "live-chart live-line";
  const row = (name) => {
    const cells = [make("td"), make("td"), make("td")];
    return { cells, element: make("tr", {}, make("th", { scope: "row" }, name), ...cells) };
  };
  const rows = [...photographs.map(({ name }) => name), "score", "by the protocol"].map(row);
  const heads = ["PSNR in dB", "bicubic", "SRCNN", "gain"].map((words) => make("th", { scope: "col" }, words));
  root.append(
    make("div", { className: "live-steps" }, ...Object.values(choices).map(({ element }) => element)),
    make("div", { className: "live-buttons" }, back), status,
    kit.figure("Ring: by the protocol. Disk: as measured now.", line),
    make("table", { className: "live-scores" }, make("thead", {}, make("tr", {}, ...heads)),
      make("tbody", {}, ...rows.map(({ element }) => element))));

  function fill({ cells }, bicubic, srcnn) {
    [bicubic, srcnn, srcnn - bicubic].forEach((value, k) => {
      cells[k].textContent = Number.isFinite(value) ? value.toFixed(2) : "...";
    });
  }

  // The errors of one photograph; what has been measured once is known.
  function found(photograph, steps) {
    const key = [photograph.name, steps.color, steps.size, steps.kernel, steps.low].join();
    if (!known.has(key)) known.set(key, measuring.errors(photograph, steps, network));
    return known.get(key);
  }

  const score = (all, steps) =>
    ({ bicubic: measuring.scores(all, "bicubic", steps), srcnn: measuring.scores(all, "srcnn", steps) });

  // One photograph at a time, so that the page stays alive; a newer request ends an older one.
  async function measure() {
    const number = ++latest;
    const steps = Object.fromEntries(Object.entries(choices).map(([step, { select }]) => [step, select.value]));
    const all = [];
    rows.slice(0, -1).forEach((each) => fill(each, NaN, NaN));
    for (const [k, photograph] of photographs.entries()) {
      all.push(found(photograph, steps));
      const { bicubic, srcnn } = score(all, steps);
      fill(rows[k], bicubic.each[k], srcnn.each[k]);
      await new Promise((go) => setTimeout(go));
      if (number !== latest) return;
    }
    const scores = score(all, steps);
    protocol ??= scores; // the first time nothing is changed yet
    fill(rows.at(-2), scores.bicubic.score, scores.srcnn.score);
    fill(rows.at(-1), protocol.bicubic.score, protocol.srcnn.score);
    root.state = { steps, scores, protocol };
    tell();
    draw();
  }

  function tell() {
    const { steps, scores: { bicubic, srcnn }, protocol } = root.state;
    const changed = Object.keys(WORDS).filter((step) => steps[step] !== measuring.PROTOCOL[step]);
    for (const [step, { element }] of Object.entries(choices)) element.classList.toggle("live-changed", changed.includes(step));
    const gain = `SRCNN is ${apart(srcnn.score - bicubic.score)} bicubic interpolation.`;
    if (!changed.length) {
      status.textContent = `By the protocol, bicubic interpolation scores ${decibels(bicubic.score)} and SRCNN ` +
        `${decibels(srcnn.score)}. ${gain}`;
      return;
    }
    const words = changed.map((step) => {
      const [label, ...options] = WORDS[step];
      return `${label.toLowerCase().replace("lr", "LR")} (${options[measuring.STEPS[step].indexOf(steps[step])]})`;
    });
    const [b, s] = [protocol.bicubic.score, protocol.srcnn.score];
    status.textContent = `Changed: ${words.join(", ")}. Bicubic interpolation scores ${decibels(bicubic.score)}, ` +
      `${apart(bicubic.score - b)} the protocol's ${decibels(b)}, and SRCNN ${decibels(srcnn.score)}, ` +
      `${apart(srcnn.score - s)} the protocol's ${decibels(s)}. ${gain} If only SRCNN were measured in this way, and bicubic ` +
      `interpolation by the protocol, SRCNN would seem ${apart(srcnn.score - b)} it.`;
  }
  const decibels = (value) => `${value.toFixed(2)} dB`;
  const apart = (value) => `${Math.abs(value).toFixed(2)} dB ${value < 0 ? "below" : "above"}`;

  // Both scores on one axis: a ring for the protocol's, a disk for the one of now.
  function draw() {
    if (!root.state) return;
    const { context, width, height, ink } = kit.sharp(line, [640, 130]);
    context.textAlign = "center";
    const [low, high, left, right] = [22, 34, 60, width - 14];
    const across = (value) => left + ((value - low) / (high - low)) * (right - left);
    for (let value = low; value <= high; value += 2) {
      context.globalAlpha = 0.25;
      context.fillRect(across(value), 8, 1, height - 46);
      context.globalAlpha = 1;
      context.fillText(value, across(value), height - 22);
    }
    context.fillText("PSNR, dB", (left + right) / 2, height - 6);
    const { scores, protocol } = root.state;
    ["bicubic", "srcnn"].forEach((method, k) => {
      const y = 8 + (height - 46) * (0.3 + 0.4 * k);
      const [now, then] = [scores, protocol].map((each) => across(each[method].score));
      Object.assign(context, { textAlign: "right", fillStyle: ink });
      context.fillText(["bicubic", "SRCNN"][k], left - 8, y + 4);
      Object.assign(context, { strokeStyle: ink, fillStyle: ["#2f7fb8", "#d1495b"][k], lineWidth: 2 });
      context.fillRect(Math.min(now, then), y - 1.5, Math.abs(now - then), 3);
      disk(context, now, y, 6).fill();
      disk(context, then, y, 9).stroke();
    });
  }
  function disk(context, x, y, radius) {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    return context;
  }

  kit.redrawn(root, draw);
  await measure();
};
