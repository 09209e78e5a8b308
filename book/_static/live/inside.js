// The figure "Look inside the network": one output pixel, and everything that it is computed from (tracing.js).
"use strict";

live.inside = async (root) => {
  const { make } = kit;
  const [side, scale] = [180, 3];
  // where the part begins and which pixel is chosen first; else in the middle
  const places = new Map([["camera", [99, 189, 72, 138]], ["coins", [69, 120, 74, 92]], ["coffee", [201, 255, 94, 71]]]);
  const gray = (value) => (255 * value).toFixed(1);
  const decibels = (value) => (Number.isFinite(value) ? `${value.toFixed(2)} dB` : "infinite");
  const most = (values) => values.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-9);
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  const settings = { relu: true, zeros: false };
  let made, network, photo, seen, parameters, kept = [0, 0], hits = {}, waiting = 0, whole = false, wrong = "";

  // Drawn once in a frame. What is wrong with a file is told until the reader does something else.
  const ask = (again, trouble = "") => {
    whole ||= again;
    wrong = trouble;
    if (photo) waiting ||= requestAnimationFrame(redraw);
  };
  const source = kit.source(["camera", "coins", "coffee", "chelsea", "astronaut"], { changed: use, least: 30, most: 16e6,
    told: (words) => ask(false, words) });
  const shows = kit.choice("Image", { output: "output", input: "input", original: "original", change: "change by the switches" },
    "output", () => ask(false));
  const move = () => { kept = [row.value, column.value]; ask(false); };
  const row = kit.slider("Row", { min: 0, max: side - 1, step: 1, value: 0 }, move);
  const column = kit.slider("Column", { min: 0, max: side - 1, step: 1, value: 0 }, move);
  const first = kit.slider("Map of layer 1", { min: 0, max: 63, step: 1, value: 36 }, () => ask(firstOff.value));
  const firstOff = kit.tick("Switch off this map of layer 1", false, () => ask(true));
  const second = kit.slider("Map of layer 2", { min: 0, max: 31, step: 1, value: 10 }, () => ask(secondOff.value));
  const secondOff = kit.tick("Switch off this map of layer 2", false, () => ask(true));
  const reluOff = kit.tick("Leave out both ReLUs", false, (off) => { settings.relu = !off; ask(true); });
  const padding = kit.choice("Beyond the edge", { repeat: "border pixels repeated", zeros: "zeros" }, "repeat",
    (value) => { settings.zeros = value === "zeros"; ask(true); });
  const status = kit.status();
  status.textContent = "Loading the network and the photographs.";

  const view = kit.canvas(side, side, "The image, and the chosen pixel in it", 2);
  const mark = make("div", { className: "live-mark" });
  const patch = kit.canvas(9, 9, "The 9 x 9 pixels of the input around the chosen pixel", 16);
  const filter = kit.canvas(9, 9, "The weights of the chosen filter of layer 1", 16);
  const around = kit.canvas(13, 13, "The 13 x 13 pixels of the input that the output pixel depends on", 11);
  const equivalent = kit.canvas(13, 13, "The equivalent filter at the chosen pixel", 11);
  const charts = Object.fromEntries(["features", "mapped", "strong", "others"].map((name) => {
    const canvas = kit.canvas(640, 120, `Bars: ${name}`);
    canvas.className = "live-bars";
    return [name, canvas];
  }));
  const captions = {};
  const figure = (name, drawn, wide = "") => make("figure", { className: wide }, drawn, (captions[name] = make("figcaption")));
  root.append(
    make("div", { className: "live-controls" }, source.element, shows.element, row.element, column.element,
      first.element, firstOff.element, second.element, secondOff.element, reluOff.element, padding.element),
    status,
    make("div", { className: "live-figures" },
      figure("view", make("div", { className: "live-view" }, view, mark), "live-main"),
      make("div", { className: "live-figures live-beside" }, figure("patch", patch), figure("filter", filter),
        figure("around", around), figure("equivalent", equivalent))),
    make("div", { className: "live-figures" }, figure("features", charts.features, "live-wide"),
      figure("mapped", charts.mapped, "live-wide"), figure("strong", charts.strong, "live-third"),
      figure("others", charts.others, "live-rest")),
  );

  // A pixel that is pointed at is shown; one that is clicked or tapped stays.
  const along = (at, length, count) => Math.min(Math.max(Math.floor((at / length) * count), 0), count - 1);
  const place = ({ offsetX, offsetY }) => [along(offsetY, view.clientHeight, photo.h), along(offsetX, view.clientWidth, photo.w)];
  const point = ([r, c]) => { [row.value, column.value] = [r, c]; ask(false); };
  view.addEventListener("pointermove", (event) => { if (photo && event.pointerType === "mouse") point(place(event)); });
  view.addEventListener("pointerleave", () => { if (photo) point(kept); });
  view.addEventListener("click", (event) => { if (photo) point((kept = place(event))); });
  const pick = (name, slider, find) => charts[name].addEventListener("click", (event) => {
    const number = photo && find(hits[name](event.offsetX));
    if (Number.isInteger(number)) { slider.value = number; ask(slider === first ? firstOff.value : secondOff.value); }
  });
  pick("features", first, (at) => photo.firsts[at]);
  pick("mapped", second, (at) => photo.order[at]);
  pick("strong", second, (at) => photo.order[at - 1]); // the bias comes first
  pick("others", second, (at) => photo.order[at + 4]);

  // Another photograph: a part of it, the network's input, and how often each map is active there.
  async function use({ h, w, values }, name) {
    await ready;
    const [tall, wide] = [h, w].map((length) => scale * Math.floor(Math.min(length, side) / scale));
    const [top, left] = [h - tall, w - wide].map((rest, k) =>
      Math.min(rest, places.get(name)?.[k] ?? scale * Math.floor(rest / 2 / scale)));
    const high = kit.crop(values, w, top, left, tall, wide);
    const low = made.resample(high, tall, wide, tall / scale, wide / scale);
    const y = made.resample(low, tall / scale, wide / scale, tall, wide);
    network.parameters = kit.weights(scale);
    const { output, features, mapped } = network.infer(y, tall, wide, { keep: true });
    const { share, firsts, groups } = tracing.grouped(features.values);
    const order = tracing.strongest(network.parameters, { h: tall, w: wide, mapped: mapped.values });
    const [bicubic, normal] = [y, output].map((image) => kit.psnr(image, high, tall, wide, scale));
    photo = { name, h: tall, w: wide, y, high, intact: output, share, firsts, groups, order, bicubic, normal };
    Object.assign(view, { width: wide, height: tall });
    view.style.width = kit.across(wide, Math.max(1, Math.round((2 * side) / Math.max(wide, tall))));
    [row.input.max, column.input.max] = [tall - 1, wide - 1];
    const start = places.get(name)?.slice(2) ?? [tall, wide].map((length) => length >> 1);
    point((kept = [Math.min(start[0], tall - 1), Math.min(start[1], wide - 1)]));
    ask(true);
  }

  function redraw() {
    cancelAnimationFrame(waiting); // where this is not that frame
    if (whole) run();
    [waiting, whole] = [0, false];
    look();
  }

  // The network as it is switched, on the whole image.
  function run() {
    const { h, w, y, high } = photo;
    parameters = tracing.without(kit.weights(scale), firstOff.value ? [first.value] : [], secondOff.value ? [second.value] : []);
    network.parameters = parameters;
    const { output, features, mapped } = network.infer(y, h, w, { ...settings, keep: true });
    seen = { output, features: features.values, mapped: mapped.values, psnr: kit.psnr(output, high, h, w, scale),
      ranges: [features, mapped].map(({ values }) => tracing.span(values)) };
  }

  // The chosen pixel.
  function look() {
    const { h, w, y, high, order, groups } = photo;
    const at = tracing.trace(parameters, { ...photo, ...seen }, row.value, column.value, settings);
    const here = at.row * w + at.column;
    const { W1, B1 } = tracing.layers(kit.weights(scale));
    const weights = W1.subarray(81 * first.value, 81 * (first.value + 1));
    const change = seen.output.map((value, i) => value - photo.intact[i]);
    const images = { output: seen.output, input: y, original: high, change };
    kit.paint(view, images[shows.value], h, w, shows.value === "change" ? { reach: most(change) } : {});
    const box = { left: (at.column - 6) / w, top: (at.row - 6) / h, width: 13 / w, height: 13 / h };
    for (const [name, share] of Object.entries(box)) mark.style[name] = `${100 * share}%`;
    kit.paint(patch, at.patch, 9, 9);
    kit.paint(filter, weights, 9, 9, { reach: most(weights) });
    const within = (values) => values.map((value, t) => (at.within[t] ? value : NaN)); // beyond the edge is nothing to draw
    kit.paint(around, within(at.around), 13, 13);
    kit.paint(equivalent, within(at.filter), 13, 13, { reach: most(at.filter) });
    const sorted = order.map((k) => 255 * at.contributions[k]); // in gray levels
    const [strong, others] = [[255 * at.bias, ...sorted.slice(0, 4)], sorted.slice(4)];
    const place = order.indexOf(second.value);
    const bars = (name, options) => (hits[name] = kit.bars(charts[name], options));
    bars("features", { values: photo.firsts.map((k) => at.features[k]), groups, range: seen.ranges[0],
      chosen: photo.firsts.indexOf(first.value), name: `map ${first.value}` });
    bars("mapped", { values: order.map((k) => at.mapped[k]), groups: [["four strongest", 4], ["other 28", 28]],
      range: seen.ranges[1], chosen: place, name: `map ${second.value}` });
    bars("strong", { values: strong, groups: [["bias", 1], ["four strongest", 4]], signed: true, name: `map ${second.value}`,
      range: [Math.min(0, ...strong), Math.max(200, ...strong)], chosen: place < 4 ? place + 1 : -1 });
    const reach = Math.max(20, most(others));
    bars("others", { values: others, groups: [["other 28", 28]], signed: true, name: `map ${second.value}`,
      range: [-reach, reach], chosen: place - 4 });
    root.state = { ...at, ...settings, photo, seen, weights };
    tell(at, { here, weights, bias: B1[first.value], carried: sum(strong), corrected: sum(others), change: most(change) });
  }

  // The same in words.
  function tell(at, { here, weights, bias, carried, corrected, change }) {
    const { h, w, y, high, groups } = photo;
    const [k, j] = [first.value, second.value];
    const on = [at.features, at.mapped].map((values) => values.filter((value) => value > 0).length);
    const range = (values) => `${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)}`;
    const colors = (values) => `from ${range(values)} (colors: \u00b1${most(values).toFixed(2)})`;
    const dot = sum(weights.map((weight, t) => weight * at.patch[t]));
    const switched = firstOff.value || secondOff.value || reluOff.value || settings.zeros;
    const say = (name, canvas, words) => {
      captions[name].textContent = words;
      canvas.setAttribute("aria-label", words);
    };
    say("view", view, { output: "The output.", input: "The input.", original: "The original.",
      change: `The change by the switches (colors: \u00b1${gray(change)} gray levels).` }[shows.value] +
      " The box holds the 13 x 13 pixels of the input that the chosen output pixel depends on.");
    say("patch", patch, "The 9 x 9 patch of the input around the chosen pixel.");
    say("filter", filter, `Filter ${k} of layer 1, ${colors(weights)}. Times the patch: ` +
      `${dot.toFixed(2)}; plus its bias: ${(dot + bias).toFixed(2)}.`);
    say("around", around, "The 13 x 13 pixels of the input around the chosen pixel.");
    say("equivalent", equivalent, `The equivalent filter, ${colors(at.filter)}. Times these pixels: ${gray(at.dot)}; ` +
      `plus its constant: ${gray(at.dot + at.constant)}, the output.`);
    say("features", charts.features, `Layer 1: the 64 activations here. In this image ${groups[0][1]} maps are active at ` +
      `more than 97% of the positions, ${groups[1][1]} are selective, and ${groups[2][1]} are never active. ` +
      `Map ${k} has ${at.features[k].toFixed(2)} here.`);
    say("mapped", charts.mapped, `Layer 2: the 32 activations here, those of the strongest maps first. ` +
      `Map ${j} has ${at.mapped[j].toFixed(2)} here.`);
    say("strong", charts.strong, `The bias and the four strongest maps add up to ${carried.toFixed(1)} gray levels.`);
    say("others", charts.others, `The other 28 maps add up to ${corrected.toFixed(1)} gray levels (red adds, blue subtracts); ` +
      `map ${j} contributes ${gray(at.contributions[j])}.`);
    status.textContent = wrong || `Row ${at.row}, column ${at.column}: the input is ${gray(y[here])}, the output ` +
      `${gray(seen.output[here])}, the original ${gray(high[here])} gray levels. Above zero are ${on[0]} of the 64 ` +
      `activations of layer 1 and ${on[1]} of the 32 of layer 2. The bias and the four strongest maps give ` +
      `${carried.toFixed(1)}, the other 28 maps ${corrected.toFixed(1)}, together ${(carried + corrected).toFixed(1)}. ` +
      `PSNR of the whole output: ${decibels(seen.psnr)}; ` +
      `${switched ? `without these switches: ${decibels(photo.normal)}; ` : ""}bicubic: ${decibels(photo.bicubic)}.`;
  }

  kit.redrawn(root, () => { if (photo) redraw(); }); // at once, for a page that is about to be printed
  const ready = engine(engineCode).then((it) => { made = it; network = it.network(kit.weights(scale)); });
  await Promise.all([ready, source.first()]);
};
