// PixelShuffle: which channel each pixel of the sub-pixel network's output comes from, and what one that is off does
// (chapter 14, equation (14.2) and the strength of a checkerboard).
"use strict";

live.shuffle = (root) => {
  const { side, photographs } = liveSubpixel; // the parts are square
  const zoom = root.clientWidth < 600 ? 5 : 6; // screen pixels of an output pixel
  const [small, gap, map] = [4, 6, 144]; // of a channel's pixel, between channels, of the map of phases
  const wide = small * side + 4 * gap; // of all channels at x4

  const names = kit.choice("Photograph", Object.fromEntries(Object.keys(photographs).map((name) => [name, name])), "chelsea",
    () => change());
  const scales = kit.choice("Scale", { 2: "x2", 3: "x3", 4: "x4" }, "4", () => change());
  const channel = kit.slider("Channel", { min: 0, max: 15, step: 1, value: 5 }, () => draw());
  const bias = kit.slider("Added to it", { min: -32, max: 32, step: 1, value: 0,
    show: (levels) => `${levels > 0 ? "+" : ""}${levels} levels` }, () => draw());
  const status = kit.status();
  status.style.minHeight = "6.6rem"; // its length changes while a slider is dragged
  const output = kit.operable(kit.canvas(zoom * side, zoom * side, "The network's output. Point at a pixel, or move with the " +
    "arrow keys, with Shift by eight pixels, to see which channel it comes from."));
  const sources = kit.canvas(wide, wide, "The channels of the network's last layer, each where its pixels are in a block; " +
    "the pixel that was pointed at is framed");
  const phases = kit.canvas(map, map, "Mean error of each phase minus the overall mean, from blue for too dark to red for " +
    "too bright, with the number of its channel");
  const { figure } = kit;
  root.append(
    kit.make("div", { className: "live-controls" }, names.element, scales.element, channel.element, bias.element),
    status,
    kit.make("div", { className: "live-figures" },
      figure("Output: point at a pixel", output),
      kit.make("div", { style: `max-width: ${wide}px` }, figure("Channels of the last layer", sources), kit.make("br"),
        figure("Mean error by phase minus overall mean, \u00b18 levels", phases))),
  );

  let [row, column] = [29, 31];
  let original, channels, scale, few; // `few` pixels along the side of a channel

  // The output (side, side) from channels that lie one after the other, `levels` added to one of them: equation (14.2).
  function shuffled(which, levels) {
    const image = new Float64Array(side * side);
    for (let r = 0; r < side; r++) for (let c = 0; c < side; c++) {
      const from = scale * (r % scale) + (c % scale);
      const value = channels[from * few * few + Math.floor(r / scale) * few + Math.floor(c / scale)];
      image[r * side + c] = value + (from === which ? levels / 255 : 0);
    }
    return image;
  }

  // In gray levels: the mean error of each phase minus the mean of all, the standard deviation of these, and the PSNR.
  function measured(image) {
    const means = new Float64Array(scale * scale);
    let squares = 0;
    image.forEach((value, i) => {
      const from = scale * (Math.floor(i / side) % scale) + ((i % side) % scale);
      means[from] += (255 * (value - original[i])) / few ** 2;
      squares += (Math.min(255, Math.max(0, Math.round(255 * value))) - 255 * original[i]) ** 2;
    });
    const overall = means.reduce((a, b) => a + b) / means.length;
    const apart = means.map((mean) => mean - overall);
    const strength = Math.sqrt(apart.reduce((sum, value) => sum + value * value, 0) / apart.length);
    return { apart, strength, psnr: 10 * Math.log10((255 ** 2 * side * side) / squares) };
  }

  function change() {
    scale = Number(scales.value);
    few = side / scale;
    original = kit.floats(photographs[names.value].original);
    channels = kit.floats(photographs[names.value].channels[scale]);
    channel.input.max = scale * scale - 1; // the browser moves a channel that is not there any more to the last
    channel.value = channel.input.value;
    draw();
  }

  function draw() {
    const [which, levels] = [channel.value, bias.value];
    const image = shuffled(which, levels);
    const [now, before] = [measured(image), measured(shuffled(which, 0))];
    const [a, b, i, j] = [row % scale, column % scale, Math.floor(row / scale), Math.floor(column / scale)];
    const from = scale * a + b;
    const value = 255 * image[row * side + column];
    root.state = { image, ...now, before, row, column, channel: from, at: [i, j], value };

    kit.paint(output, image, side, side, { zoom });
    kit.frame(output, zoom * scale * j, zoom * scale * i, zoom * scale, zoom * scale);
    dot(output, zoom * column, zoom * row, zoom);
    drawChannels(which, levels, from, i, j);
    drawPhases(now.apart, from);
    if (levels) outline(phases, Math.floor(which / scale) * map / scale, (which % scale) * map / scale, map / scale);

    const words = [`The pixel in row ${row}, column ${column} has position (${a}, ${b}) in block (${i}, ${j}): it is pixel ` +
      `(${i}, ${j}) of channel ${scale} x ${a} + ${b} = ${from}, ${value.toFixed(1)} gray levels.`];
    const [strength, psnr] = [now.strength.toFixed(2), now.psnr.toFixed(2)];
    if (levels) words.push(`With channel ${which} ${levels > 0 ? "raised" : "lowered"} by ${Math.abs(levels)}, the checkerboard ` +
      `has a strength of ${strength} gray levels instead of ${before.strength.toFixed(2)}, and the PSNR is ${psnr} dB instead ` +
      `of ${before.psnr.toFixed(2)} dB.`);
    else words.push(`The checkerboard has a strength of ${strength} gray levels, and the PSNR is ${psnr} dB.`);
    status.textContent = words.join(" ");
  }

  // The channel that the slider changes, dashed.
  function outline(element, top, left, width) {
    const context = element.getContext("2d");
    Object.assign(context, { strokeStyle: "#0a7f3f", lineWidth: 3 });
    context.setLineDash([6, 4]);
    context.strokeRect(left + 1.5, top + 1.5, width - 3, width - 3);
    context.setLineDash([]);
    context.lineWidth = 1;
  }

  // The pixel itself, marked in a color that no gray has.
  function dot(element, left, top, width) {
    const context = element.getContext("2d");
    context.strokeStyle = "#ff3d2e";
    context.lineWidth = 2;
    context.strokeRect(left, top, width, width);
    context.lineWidth = 1;
  }

  const place = (from) => [Math.floor(from / scale), from % scale].map((k) => gap / 2 + k * (small * few + gap));

  function drawChannels(which, levels, from, i, j) {
    sources.getContext("2d").clearRect(0, 0, wide, wide);
    for (let k = 0; k < scale * scale; k++) {
      const added = k === which ? levels / 255 : 0;
      const values = channels.subarray(k * few * few, (k + 1) * few * few).map((value) => value + added);
      const [top, left] = place(k);
      kit.paint(sources, values, few, few, { left, top, zoom: small });
    }
    if (levels) outline(sources, ...place(which).map((at) => at - 3), small * few + 6);
    const [top, left] = place(from);
    kit.frame(sources, left, top, small * few, small * few);
    dot(sources, left + small * j, top + small * i, small);
  }

  function drawPhases(apart, from) {
    const [context, width] = [phases.getContext("2d"), map / scale];
    kit.paint(phases, apart, scale, scale, { reach: 8, zoom: width });
    Object.assign(context, { font: "14px system-ui, sans-serif", textAlign: "center", textBaseline: "middle" });
    apart.forEach((value, k) => {
      context.fillStyle = Math.abs(value) > 5 ? "#fff" : "#000";
      context.fillText(k, (k % scale + 0.5) * width, (Math.floor(k / scale) + 0.5) * width);
    });
    dot(phases, (from % scale) * width + 2, Math.floor(from / scale) * width + 2, width - 4);
  }

  function select(to) {
    if (!to || (to[0] === row && to[1] === column)) return;
    [row, column] = to;
    draw();
  }
  for (const event of ["pointermove", "pointerdown"]) {
    output.addEventListener(event, (pointer) => select(kit.pointed(output, pointer, side, side)));
    sources.addEventListener(event, (pointer) => { // the other way around
      const [[a, i], [b, j]] = kit.pointed(sources, pointer, wide, wide).map((at) => {
        const cell = small * few + gap;
        return [Math.floor((at - gap / 2) / cell), Math.floor(((at - gap / 2) % cell) / small)];
      });
      if (Math.min(a, b) >= 0 && Math.max(a, b) < scale && Math.max(i, j) < few) select([scale * i + a, scale * j + b]);
    });
  }
  output.addEventListener("keydown", (event) => {
    const to = kit.moved(event, [row, column], side, side);
    if (to) event.preventDefault(); // the page does not scroll
    select(to);
  });
  change();
};
