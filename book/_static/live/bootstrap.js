// The figure "Draw the images again": resamples of measured gains (scores.js), beside intervals and tests (chances.js).
"use strict";

live.bootstrap = (root) => {
  const { make } = kit;
  const SETS = { set5: "Set5", set14: "Set14", bsds300: "BSD100" }, MOST = 10_000, FEWEST = 100, BINS = 80;
  const PAIRS = ["9-1-5 over bicubic", "9-5-5 over bicubic", "9-3-5 over 9-1-5", "9-5-5 over 9-1-5", "9-5-5 over 9-3-5",
    "subpixel over 9-1-5"];
  const means = new Float64Array(MOST);
  let drawn = 0, scores, found, resampler, last;

  const pair = kit.choice("Networks", Object.fromEntries(PAIRS.map((each) => [each, each])), PAIRS[0], anew);
  const set = kit.choice("Images", SETS, "set14", anew);
  const scale = kit.choice("Scale", { 2: "x2", 3: "x3", 4: "x4" }, 3, anew);
  const seed = kit.slider("Seed", { min: 0, max: 99, step: 1, value: 0 }, anew);
  const unpaired = kit.tick("Pretend the images are not paired", false, anew);
  const buttons = [1, 100, 10_000].map((count) => kit.button(`Draw ${count.toLocaleString("en")}`, () => {
    draw(count);
    show();
  }));
  const over = kit.button("Start over", () => {
    drawn = 0;
    anew();
  });
  for (const { element } of [pair, set]) element.style.gridColumn = "1 / -1"; // their words are long
  const status = kit.status();
  const dots = kit.canvas(640, 240, "The gain of each image"), histogram = kit.canvas(640, 240, "Histogram of the means");
  dots.className = histogram.className = "live-chart";
  const caption = make("figcaption");
  root.append(
    make("div", { className: "live-controls" }, pair.element, set.element, scale.element, seed.element,
      unpaired.element, make("div", { className: "live-buttons" }, ...buttons, over)),
    status,
    make("div", { className: "live-figures" }, make("figure", {}, dots, caption),
      kit.figure("Mean differences of the resamples, and 95% intervals", histogram)),
  );

  // What does not depend on the draws; then as many resamples as there were are drawn again.
  function anew() {
    const of = liveScores[set.value][scale.value], [a, b] = pair.value.split(" over ").map((name) => of[name]);
    const paired = !unpaired.value, gains = a.map((value, i) => value - b[i]);
    scores = paired ? [gains] : [a, b];
    found = { paired, n: a.length, gains, t: chances.student(a, b, paired), pairedT: chances.student(a, b, true),
      permutation: paired ? chances.signFlips(gains, seed.value) : chances.shuffles(a, b, seed.value),
      signs: chances.signTest(gains) };
    resampler = chances.resampler(scores, seed.value);
    const again = drawn;
    drawn = 0;
    last = null;
    draw(again);
    show();
  }

  function draw(count) {
    for (const until = Math.min(drawn + count, MOST); drawn < until; drawn++) {
      last = resampler.draw();
      means[drawn] = found.paired ? last[0] : last[0] - last[1];
    }
  }

  const decibels = (value) => value.toFixed(3);
  const between = ({ low, high }) => `${decibels(low)} to ${decibels(high)} dB`;
  const chance = (p) => (p < 1e-3 ? p.toExponential(1) : p.toPrecision(2));
  const many = (count) => count.toLocaleString("en");

  function show() {
    const sorted = means.slice(0, drawn).sort();
    const [low, high] = [0.025, 0.975].map((share) => chances.quantile(sorted, share));
    found.bootstrap = drawn >= FEWEST ? { low, high } : null;
    root.state = { ...found, means: means.slice(0, drawn) };
    for (const each of buttons) each.disabled = drawn === MOST;
    status.textContent = words();
    paint();
  }

  function words() {
    const { t, paired, n, permutation, signs } = found, bootstrap = found.bootstrap;
    const resamples = `${many(drawn)} ${drawn === 1 ? "resample" : "resamples"}`;
    const kind = paired ? "" : " as if not paired, which is a mistake";
    const drew = bootstrap ? `a bootstrap interval of ${between(bootstrap)} (${resamples})` :
      drawn ? `${resamples}, the last of mean ${decibels(means[drawn - 1])} dB` : "no resample yet";
    const flips = permutation.exact ? `all ${many(permutation.count)}` : `${many(permutation.count)} at random`;
    const tests = paired ?
      `sign flips ${chance(permutation.p)} (${flips}), sign test ${chance(signs.p)} (${signs.wins} of ${n} above zero)` :
      `exchanged labels ${chance(permutation.p)} (${flips})`;
    return `${pair.value}, ${SETS[set.value]} at x${scale.value}${kind}: ` +
      `the mean difference of ${n} images is ${decibels(t.mean)} dB, ` +
      `with a t interval of ${between(t)} and ${drew}. P-values: t test ${chance(t.p)}, ${tests}.` +
      (paired ? "" : ` Paired, the t interval is ${between(found.pairedT)}.`);
  }

  function paint() {
    const [a, b] = pair.value.split(" over "), { paired, n } = found;
    caption.textContent = (paired ? "The gain of each image" : "The PSNR of each image, each network's in its own order") +
      (last ? "; the dots grow with the times that the last resample drew the image" : "");
    dots.setAttribute("aria-label", `${caption.textContent}; ${paired ? found.signs.wins : "all"} of ${n} are above zero`);
    const grow = n > 50 ? 0.8 : 1.5;
    const series = scores.map((values, g) => {
      const order = Array.from(values.keys()).sort((i, j) => values[i] - values[j]);
      const sizes = order.map((i) => (!last ? 3 : resampler.times[g][i] ? 2 + grow * resampler.times[g][i] : 1.2));
      return { name: [a, b][g], x: order.map((_, place) => place + 1), y: order.map((i) => values[i]), dots: sizes };
    });
    const levels = paired ? [["no gain", 0]] : [], all = [...scores.flat(), ...levels.map(([, value]) => value)];
    const [bottom, top] = [Math.min(...all), Math.max(...all)];
    if (last && paired) levels.push(["mean of the last resample", last[0]]);
    const margin = 0.1 * (top - bottom);
    kit.chart(dots, { series, levels, x: "image, in order", y: paired ? "gain, dB" : "PSNR, dB",
      xRange: [0, n + 1], yRange: [bottom - margin, top + margin] });
    bars();
  }

  function bars() {
    const { t, pairedT, bootstrap, paired } = found;
    const far = 4.5 * t.error, pad = 0.04 * (Math.abs(t.mean) + far);
    const low = Math.min(-pad, t.mean - far), high = Math.max(pad, t.mean + far), width = (high - low) / BINS;
    const counts = new Float64Array(BINS);
    for (let k = 0; k < drawn; k++) counts[Math.min(Math.max(Math.floor((means[k] - low) / width), 0), BINS - 1)]++;
    const top = Math.max(4, ...counts);
    const bar = (name, interval, height, dashed = false) =>
      ({ name, x: interval ? [interval.low, interval.high] : [], y: [height * top, height * top], dashed });
    const series = [
      { name: "means of resamples", x: Array.from({ length: 2 * BINS }, (_, i) => low + Math.ceil(i / 2) * width),
        y: Array.from({ length: 2 * BINS }, (_, i) => counts[i >> 1]), filled: true },
      bar("bootstrap interval", bootstrap, 1.1), bar("t interval", t, 1.2),
      { name: "no difference", x: [0, 0], y: [0, 1.05 * top], dashed: true },
    ];
    if (!paired) series.push(bar("t interval, paired", pairedT, 1.3, true));
    histogram.setAttribute("aria-label", `Histogram of ${many(drawn)} means; t interval ${between(t)}` +
      (bootstrap ? `, bootstrap interval ${between(bootstrap)}` : ""));
    kit.chart(histogram, { series, x: "mean difference, dB", y: "resamples", xRange: [low, high],
      yRange: [0, (paired ? 1.9 : 2.3) * top] });
  }

  kit.redrawn(root, paint);
  anew();
};
