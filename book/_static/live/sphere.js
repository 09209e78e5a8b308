// The figure "One score, five images": the reader ranks five damages of one photograph, then sees that PSNR cannot.
"use strict";

live.sphere = (root) => {
  const { make } = kit;
  const [h, w] = [160, 192];
  const NAMES = ["noise", "shifted", "lighter", "blocks", "blurred"]; // shuffled, so that the first order tells nothing
  const LOOK = { lighter: "every pixel lighter by the same amount", blurred: "blurred", blocks: "made of blocks of 8 x 8",
    noise: "covered with noise", shifted: "shifted to the right" };
  const PARTS = { chelsea: [50, 92], astronaut: [30, 130], coffee: [120, 200], brick: [100, 100] }; // chelsea: chapter 7's
  const order = [...NAMES]; // the reader's, best first
  let prepared, judge, made, revealed = false, waiting = 0;

  const status = kit.status();
  const source = kit.source(Object.keys(PARTS), { changed: choose, told: (words) => (status.textContent = words), most: 24e6, least: 200 });
  const level = kit.slider("PSNR of all five", { min: 22, max: 36, step: 0.5, value: 26,
    show: (value) => `${value.toFixed(1)} dB` }, () => { waiting ||= requestAnimationFrame(damage); });
  level.element.hidden = true;
  const reveal = kit.button("Reveal the scores", () => show(!revealed));
  const figures = {};
  const original = kit.canvas(w, h, "The original part of the photograph");
  const grid = make("div", { className: "live-ranking" },
    make("figure", {}, original, make("figcaption", {}, "original")));
  for (const name of NAMES) {
    const canvas = kit.canvas(w, h, `The photograph, ${LOOK[name]}`);
    const [rank, scores] = [make("b"), make("span")];
    const move = (words, by) => {
      const button = kit.button(words, () => { swap(name, by); button.focus(); });
      button.setAttribute("aria-label", `${words}: ${name}`);
      return button;
    };
    const buttons = make("div", { className: "live-buttons" }, move("Better", -1), move("Worse", 1));
    const figure = make("figure", {}, canvas, make("figcaption", {}, rank, scores), buttons);
    figures[name] = { figure, canvas, rank, scores };
    grid.append(figure);
  }
  root.append(make("div", { className: "live-controls" }, source.element, make("div", { className: "live-buttons" }, reveal),
    level.element), status, grid);

  function choose(photograph, name) {
    const { h: tall, w: wide, values } = photograph;
    const [top, left] = PARTS[name] ?? [Math.floor((tall - h) / 2), Math.floor((wide - w) / 2)];
    const limits = [level.input.min, level.input.max].map(Number);
    prepared = damages.prepare({ plane: values, width: wide, top, left }, h, w, limits); // throws if it cannot be done
    judge = kit.ssim(prepared.part, h, w);
    kit.paint(original, prepared.part, h, w);
    show(false);
    damage();
  }

  function swap(name, by) {
    const at = order.indexOf(name);
    if (order[at + by]) [order[at], order[at + by]] = [order[at + by], name];
    tell();
  }

  function show(now) {
    revealed = now;
    level.element.hidden = !revealed;
    reveal.textContent = revealed ? "Hide the scores" : "Reveal the scores";
    if (made) tell();
  }

  function damage() {
    waiting = 0;
    made = prepared.damaged(level.value);
    for (const name of NAMES) {
      made[name].ssim = judge(made[name].image);
      kit.paint(figures[name].canvas, made[name].image, h, w);
    }
    tell();
  }

  function tell() {
    const bySsim = [...NAMES].sort((a, b) => made[b].ssim - made[a].ssim);
    const squares = order.reduce((sum, name, rank) => sum + (rank - bySsim.indexOf(name)) ** 2, 0);
    const spearman = 1 - squares / 20; // 6 d^2 / (n (n^2 - 1)) for n = 5
    order.forEach((name, place) => {
      const { figure, rank, scores } = figures[name];
      if (grid.children[place + 1] !== figure) grid.insertBefore(figure, grid.children[place + 1]);
      rank.textContent = `${place + 1}. ${name}`;
      const { psnr, ssim } = made[name];
      scores.replaceChildren(...(revealed ? [`PSNR ${psnr.toFixed(2)} dB`, make("br"),
        `SSIM ${ssim.toFixed(3)}, rank ${bySsim.indexOf(name) + 1}`] : []));
    });
    const yours = `Your order, best first: ${order.join(", ")}.`;
    status.textContent = revealed ? `All five have a PSNR of ${made.noise.psnr.toFixed(2)} dB, so PSNR ranks none above ` +
      `another. SSIM's order, best first: ${bySsim.map((name) => `${name} (${made[name].ssim.toFixed(3)})`).join(", ")}. ` +
      `${yours} ${agreement(spearman)}` : `${yours} Rank the five images by how good they look to you, then reveal the scores.`;
    root.state = { made, order, revealed, spearman, part: prepared.part, photograph: [h, w] };
  }

  function agreement(value) {
    if (value === 1) return "You and SSIM agree: Spearman's rank correlation is 1.";
    const words = value > 0 ? "agree in part" : "do not agree";
    return `You and SSIM ${words}: Spearman's rank correlation is ${value.toFixed(1).replace("-0.0", "0.0")}, ` +
      "where 1 is the same order and -1 the reverse.";
  }

  return source.first();
};
