// kit.bars: signed bars over one axis.
"use strict";

Object.assign(kit, (() => {
  const [PLAIN, MORE, LESS, CHOSEN] = ["#8a8a8a", "#d1495b", "#2f7fb8", "#c98a00"];

  // A bar from 0 for each value. `groups` are [name, how many] from left to right; `signed` colors by sign; the bar
  // `chosen` has `name` above it. Gives a function from a place across (CSS pixels) to the bar there.
  function bars(element, { values, groups, range: [low, high], chosen = -1, name = "", signed = false }) {
    const { context, width, height, ink } = kit.sharp(element, [640, 120]);
    const [left, right, top, bottom] = [40, width - 2, 18, height - 20];
    const step = (right - left) / values.length;
    const up = (value) => bottom - ((value - low) / (high - low)) * (bottom - top);
    context.textAlign = "right";
    values.forEach((value, at) => {
      context.fillStyle = at === chosen ? CHOSEN : !signed ? PLAIN : value > 0 ? MORE : LESS;
      context.fillRect(left + at * step + step * 0.1, Math.min(up(value), up(0)), step * 0.8, Math.abs(up(value) - up(0)));
    });
    context.fillStyle = ink;
    const ticks = [low, 0, high].filter((value) => value === 0 || Math.abs(up(value) - up(0)) > 11);
    for (const value of ticks) context.fillText(String(Number(value.toPrecision(2))), left - 5, up(value) + 4);
    context.fillRect(left, up(0), right - left, 1);
    let first = 0;
    for (const [words, count] of groups) {
      const [from, to] = [left + first * step, left + (first + count) * step];
      if (first) context.fillRect(from, top, 1, bottom - top);
      const fits = context.measureText(words).width <= to - from; // else it reaches over into its neighbor's room
      const align = fits ? "center" : first ? "right" : "left";
      context.textAlign = align;
      if (count) context.fillText(words, { center: (from + to) / 2, right: to, left: from }[align], height - 5);
      first += count;
    }
    if (chosen >= 0) {
      const middle = left + (chosen + 0.5) * step;
      context.textAlign = middle > right - 40 ? "right" : middle < left + 40 ? "left" : "center";
      context.fillText(name, middle, 12);
    }
    return (across) => Math.min(Math.max(Math.floor((across - left) / step), 0), values.length - 1);
  }
  return { bars };
})());
