// Ink on a photograph, of which only the part that downsampling does not see is added (chapter 1, equation (1.3)).
"use strict";

live.ink = (root) => {
  const [side, scale, zoom] = [96, 3, 3];
  const few = side / scale;
  const WORD = [ // INK in characters of 5 x 7 pixels, as the chapter has them
    "01110 10001 10001", "00100 11001 10010", "00100 10101 10100", "00100 10011 11000", "00100 10001 10100",
    "00100 10001 10010", "01110 10001 10001"].map((row) => row.replaceAll(" ", "0"));
  const [WORD_TOP, WORD_LEFT] = [34, 41];

  const product = (a, b, n, m, p) => { // of matrices (n, m) and (m, p), row after row
    const result = new Float64Array(n * p);
    for (let i = 0; i < n; i++) for (let k = 0; k < m; k++) {
      const factor = a[i * m + k];
      if (factor) for (let j = 0; j < p; j++) result[i * p + j] += factor * b[k * p + j];
    }
    return result;
  };
  const transposed = (a, n, m) => Float64Array.from({ length: n * m }, (_, i) => a[(i % n) * m + Math.floor(i / n)]);

  // The x with A x = b, for a positive definite A (n, n) and b (n, m), by elimination.
  function solved(A, b, n, m) {
    const [left, x] = [A.slice(), b.slice()];
    for (let pivot = 0; pivot < n; pivot++) for (let row = 0; row < n; row++) {
      if (row === pivot) continue;
      const factor = left[row * n + pivot] / left[pivot * n + pivot];
      for (let k = pivot; k < n; k++) left[row * n + k] -= factor * left[pivot * n + k];
      for (let k = 0; k < m; k++) x[row * m + k] -= factor * x[pivot * m + k];
    }
    return x.map((value, i) => value / left[Math.floor(i / m) * (n + 1)]);
  }

  // R downsamples a line of pixels. Its pseudo-inverse is R' (R R')^-1, so `seen` projects onto what R sees.
  const R = resampling.matrix(side, few);
  const back = transposed(R, few, side);
  const seen = product(back, solved(product(R, back, few, side, few), R, few, side), side, few, side);
  const hidden = (image) => { // `seen` is symmetric
    const part = product(product(seen, image, side, side, side), seen, side, side, side);
    return image.map((value, i) => value - part[i]);
  };
  const shrink = (image) => product(product(R, image, few, side, side), back, few, side, few);

  const photographs = kit.source(["chelsea", "coins", "astronaut", "camera", "coffee"], {
    most: 24e6, least: side, told: (words) => (status.textContent = words), changed: (image, name) => take(image, name) });
  const kinds = kit.choice("Ink", { hidden: "hidden", plain: "plain" }, "hidden", () => redraw());
  const strength = kit.slider("Strength", { min: 0, max: 128, step: 1, value: 102,
    show: (levels) => `${levels} levels` }, () => redraw());
  const width = kit.slider("Pen width", { min: 1, max: 12, step: 1, value: 1,
    show: (pixels) => (pixels === 1 ? "1 pixel" : `${pixels} pixels`) }, () => show());
  const write = kit.button("Write INK", () => { word(); redraw(); });
  const clear = kit.button("Clear", () => { ink.fill(0); redraw(); });
  const status = kit.status();
  const paper = kit.operable(kit.canvas(zoom * side, zoom * side, "The HR image. Draw with the pointer; or move the pen with " +
    "the arrow keys, with Shift by eight pixels, and put it down or lift it with the space bar."));
  paper.style.touchAction = "none"; // a finger draws and does not scroll
  const added = kit.canvas(side, side, "What is added to the photograph, from blue for darker to red for brighter", 2);
  const lowCanvas = (words) => kit.canvas(few, few, words, 6);
  const [before, after] = ["without", "with"].map((how) => lowCanvas(`The LR image of the photograph ${how} ink`));
  const change = lowCanvas("LR image with ink minus that without ink, from blue for darker to red for brighter");
  const { figure } = kit;
  root.append(
    kit.make("div", { className: "live-controls" }, photographs.element, kinds.element, strength.element, width.element,
      kit.make("div", { className: "live-buttons" }, write, clear)),
    status,
    kit.make("div", { className: "live-figures" },
      figure("HR, with ink: draw here", paper),
      kit.make("div", { className: "live-pairs" },
        figure("LR, without ink", before), figure("LR, with ink", after),
        figure("Added to the HR image, \u00b1128 levels", added), figure("LR difference, \u00b132 levels", change))),
  );

  const ink = new Float64Array(side * side); // 1 where the pen was
  let photograph = null;
  let inked = null;
  let [pen, down, keyed, waiting] = [[48, 48], false, false, false];

  function take({ h, w, values }, name) {
    const [top, left] = name === "chelsea" ? [81, 102] : [h, w].map((size) => Math.floor((size - side) / 2));
    // less contrast leaves room for changes in both directions
    photograph = Float64Array.from(kit.crop(values, w, top, left, side, side), (value) => 0.1 + 0.8 * value);
    redraw();
  }

  function word() {
    WORD.forEach((row, r) => [...row].forEach((dot, c) => {
      if (dot === "1") ink[(WORD_TOP + r) * side + WORD_LEFT + c] = 1;
    }));
  }

  // The pixels that the pen covers at a place: first and last row, first and last column.
  const covered = (place) => place.flatMap((at) => {
    const first = at - Math.floor((width.value - 1) / 2);
    return [Math.max(0, first), Math.min(side - 1, first + width.value - 1)];
  });

  // A straight stroke from the pen's place to another.
  function stroke(to) {
    const from = pen;
    const steps = Math.max(1, ...to.map((at, k) => Math.abs(at - from[k])));
    for (let step = 0; step <= steps; step++) {
      const [top, bottom, left, right] = covered(to.map((at, k) => Math.round(from[k] + ((at - from[k]) * step) / steps)));
      for (let r = top; r <= bottom; r++) ink.fill(1, r * side + left, r * side + right + 1);
    }
    pen = to;
    redraw();
  }

  function redraw() { // once a frame, however many events a fast pen gives
    if (waiting || !photograph) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; compute(); });
  }

  function compute() {
    const kept = hidden(ink);
    const chosen = kinds.value === "hidden" ? kept : ink;
    const addition = chosen.map((value) => (value * strength.value) / 255);
    inked = photograph.map((value, i) => value + addition[i]);
    const [low, lowInked] = [shrink(photograph), shrink(inked)];
    const difference = lowInked.map((value, i) => value - low[i]);
    kit.paint(added, addition, side, side, { reach: 128 / 255 });
    kit.paint(before, low, few, few);
    kit.paint(after, lowInked, few, few);
    kit.paint(change, difference, few, few, { reach: 32 / 255 });
    show();
    const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(255 * value)), 0);
    const energy = (values) => values.reduce((sum, value) => sum + value * value, 0);
    root.state = { photograph, ink, inked, low, lowInked, high: largest(addition), lower: largest(difference),
      share: energy(kept) / energy(ink) };
    if (!down || keyed) tell(); // words of another length would move the image under a pen that draws
  }

  function tell() {
    const { high, lower, share } = root.state;
    const beyond = inked.filter((value) => value < 0 || value > 1).length;
    const words = Number.isNaN(share) ? ["There is no ink yet: draw on the photograph, or press Write INK."] : [
      `${kinds.value === "hidden" ? "Hidden" : "Plain"} ink changes the HR image by up to ${high.toFixed(0)} gray levels, ` +
        `the LR image by ${lower < 1e-4 ? "less than 0.0001" : `up to ${lower.toFixed(1)}`}.`,
      `The null space holds ${(100 * share).toFixed(0)}% of the strokes' energy (sum of squares).`,
      ...(beyond ? [`${beyond} HR ${beyond === 1 ? "pixel lies" : "pixels lie"} outside 0 to 255, where the screen clips.`] : []),
    ];
    if (keyed) words.push(`The pen is ${down ? "down" : "up"} at row ${pen[0]}, column ${pen[1]}.`);
    status.textContent = words.join(" ");
  }

  function show() {
    if (!inked) return;
    kit.paint(paper, inked, side, side, { zoom });
    const [top, bottom, left, right] = covered(pen);
    kit.frame(paper, zoom * left, zoom * top, zoom * (right - left + 1), zoom * (bottom - top + 1));
  }

  const lift = () => {
    down = false;
    if (root.state) tell();
  };
  paper.addEventListener("pointerdown", (event) => {
    if (event.button || !event.isPrimary || !photograph) return;
    event.preventDefault(); // no selection of text; this also keeps the focus away
    paper.focus({ preventScroll: true });
    paper.setPointerCapture(event.pointerId);
    [pen, down, keyed] = [kit.pointed(paper, event, side, side), true, false];
    stroke(pen);
  });
  paper.addEventListener("pointermove", (event) => {
    if (!event.isPrimary || (keyed && down)) return;
    const at = kit.pointed(paper, event, side, side);
    if (down) stroke(at);
    else { pen = at; show(); }
  });
  for (const end of ["pointerup", "pointercancel"]) paper.addEventListener(end, lift);
  paper.addEventListener("blur", lift);
  paper.addEventListener("keydown", (event) => {
    const to = kit.moved(event, pen, side, side);
    if (!root.state || !(to || event.key === " ")) return;
    event.preventDefault(); // the page does not scroll
    keyed = true;
    if (event.key === " " && event.repeat) return;
    if (!to) down = !down;
    if (down) stroke(to ?? pen);
    else { pen = to ?? pen; show(); tell(); }
  });
  photographs.first();
};
