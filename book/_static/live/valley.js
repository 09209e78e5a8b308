// The figure "Turn the valley": four optimizers on a quadratic of two weights (descents.js), each with its path.
"use strict";

live.valley = (root) => {
  const { make } = kit;
  const LEVELS = [0.02, 0.2, 1, 4, 14.5, 40, 100].map((level) => level / 14.5); // of the start's loss, as in Figure 10.3
  const REACH = 2.3;
  let walks = {};

  const angle = kit.slider("Angle", { min: 0, max: 90, step: 1, value: 45, show: (x) => `${x}\u00b0` }, walkAll);
  const condition = kit.slider("Condition number", { min: 0.3, max: 2.5, step: 0.1, value: 2,
    map: (x) => Number((10 ** x).toPrecision(2)) }, walkAll);
  const tuned = kit.tick("Best of 25 rates for each", true, walkAll);
  const rate = kit.slider("One rate for all", { min: 0, max: 24, step: 1, value: 6, map: (k) => descents.RATES[k],
    show: (x) => x.toPrecision(2) }, () => {
    tuned.element.querySelector("input").checked = false;
    walkAll();
  });
  const momentum = kit.slider("Momentum", { min: 0, max: 0.95, step: 0.05, value: 0.9, show: (x) => x.toFixed(2) }, walkAll);
  const steps = kit.slider("Steps", { min: 5, max: 100, step: 5, value: 30 }, () => {
    upto.input.max = steps.value;
    upto.value = steps.value;
    walkAll();
  });
  const upto = kit.slider("Up to step", { min: 0, max: 30, step: 1, value: 30 }, show);
  const status = kit.status();
  const panels = descents.names.map((name) => {
    const canvas = kit.canvas(230, 230, `The path of ${name} in the valley`);
    canvas.className = "live-panel";
    return { name, canvas, caption: make("figcaption") };
  });
  const chart = kit.canvas(640, 240, "Losses of the four optimizers over the steps, on a logarithmic scale");
  chart.className = "live-chart";
  root.append(
    make("div", { className: "live-controls" }, angle.element, condition.element, tuned.element, rate.element,
      momentum.element, steps.element, upto.element),
    status,
    make("div", { className: "live-panels" }, ...panels.map(({ canvas, caption }) => make("figure", {}, canvas, caption))),
    make("div", { className: "live-figures" }, kit.figure("Loss over the steps", chart)),
  );

  function walkAll() {
    const valley = descents.valley(angle.value, condition.value);
    for (const name of descents.names) {
      const one = () => descents.walk(name, valley, rate.value, momentum.value, steps.value);
      walks[name] = tuned.value ? descents.best(name, valley, momentum.value, steps.value) : one();
    }
    root.state = { walks };
    show();
  }

  // A loss in words, to two digits.
  const short = (loss) => (loss >= 1e-3 && loss < 1000 ? String(Number(loss.toPrecision(2))) : loss.toExponential(1));

  function show() {
    const last = upto.value, first = walks.SGD.losses[0];
    const told = descents.names.map((name) => `${name} ${words(walks[name].losses[last])}`);
    const above = descents.names.filter((name) => !(walks[name].losses[last] <= 1.001 * first));
    const list = above.join(" and ").replaceAll(/ and (?=.* and )/g, ", ");
    const how = tuned.value ? "each with the best of 25 learning rates" :
      `all with the learning rate ${rate.value.toPrecision(2)}`;
    status.textContent = `After ${last} of ${steps.value} steps, ${how}, the losses are ${told.join(", ")}; ` +
      `all start at ${first.toPrecision(3)}.${list && ` Above the start: ${list}.`}`;
    draw();
  }
  const words = (loss) => (Number.isFinite(loss) ? short(loss) : "beyond any number");

  function draw() {
    const last = upto.value;
    panels.forEach(({ name, canvas, caption }, number) => {
      const { losses, rate: used } = walks[name];
      caption.textContent = `${name}, rate ${used.toPrecision(2)}: loss ${words(losses[last])}`;
      canvas.setAttribute("aria-label", `The path of ${name} in the valley, ${last} steps to a loss of ${words(losses[last])}`);
      paint(canvas, walks[name], last, kit.COLORS[number]);
    });
    // a loss of zero has no logarithm, and what overflows would leave no room for the others
    const logs = descents.names.map((name) => Array.from(walks[name].losses, (loss) => Math.log10(Math.max(loss, 1e-300))));
    const start = logs[0][0], finite = logs.flat().filter(Number.isFinite);
    const [low, high] = [Math.max(Math.min(...finite), start - 12), Math.min(Math.max(...finite), start + 4)];
    kit.chart(chart, { series: descents.names.map((name, k) => ({ name, x: Array.from({ length: last + 1 }, (_, i) => i),
      y: logs[k].slice(0, last + 1) })), x: "step", y: "log10 of the loss", xRange: [0, steps.value],
      yRange: [low - 0.3, high + 0.5 * (high - low) + 0.3] }); // with room for the names
  }

  // The contour lines of a quadratic are ellipses.
  function paint(canvas, { path, losses }, last, color) {
    const { context, width: side } = kit.sharp(canvas, [230, 230]);
    const unit = side / 2 / REACH;
    const turned = (angle.value * Math.PI) / 180;
    context.transform(unit, 0, 0, -unit, unit * REACH, unit * REACH); // weights as coordinates, the second upward
    const px = 1 / unit;
    Object.assign(context, { lineWidth: px, globalAlpha: 0.4 });
    for (const level of LEVELS) {
      const reach = Math.sqrt(2 * level * losses[0]);
      context.beginPath();
      context.ellipse(0, 0, reach, reach / Math.sqrt(condition.value), turned, 0, 2 * Math.PI);
      context.stroke();
    }
    context.globalAlpha = 1;
    context.strokeRect(-REACH, -REACH, 2 * REACH, 2 * REACH);
    cross(context, 0.1, 2.5 * px);
    Object.assign(context, { strokeStyle: color, fillStyle: color, lineWidth: 1.5 * px });
    context.beginPath();
    for (let k = 0; k <= last && path[2 * k] ** 2 + path[2 * k + 1] ** 2 < 1e6; k++) context.lineTo(path[2 * k], path[2 * k + 1]);
    context.stroke();
    for (let k = 1; k <= last; k++) dot(context, path[2 * k], path[2 * k + 1], 2 * px, "fill");
    dot(context, path[0], path[1], 6 * px, "stroke");
    dot(context, path[2 * last], path[2 * last + 1], 4 * px, "fill");
  }

  function cross(context, size, width) {
    context.lineWidth = width;
    context.beginPath();
    for (const sign of [1, -1]) {
      context.moveTo(-size, -sign * size);
      context.lineTo(size, sign * size);
    }
    context.stroke();
  }

  function dot(context, x, y, radius, how) {
    if (!(Math.hypot(x, y) < 2 * REACH)) return; // out of sight, or no number
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context[how]();
  }

  kit.redrawn(root, draw);
  walkAll();
};
