// kit.chart: lines over common axes.
"use strict";

Object.assign(kit, (() => {
  // Lines over common axes. A series has a name, x and y, and may be dashed, or filled down to the axis, or drawn as dots
  // (true, or their radii); `levels` are named horizontal lines, `marks` vertical ones. Everything is drawn anew at each
  // call, in the page's own colors.
  const COLORS = ["#2f7fb8", "#d1495b", "#4f9d4f", "#c98a00", "#8a63b8"];
  function chart(element, { series, levels = [], marks = [], x, y, xRange, yRange, logX = false }) {
    const { context, width, height } = kit.sharp(element, [640, 280]);
    const [left, right, top, bottom] = [54, width - 22, 10, height - 36];
    const along = (value) => (logX ? Math.log10(Math.max(value, 1e-12)) : value);
    const across = (value) => left + ((along(value) - along(xRange[0])) / (along(xRange[1]) - along(xRange[0]))) * (right - left);
    const up = (value) => bottom - ((value - yRange[0]) / (yRange[1] - yRange[0])) * (bottom - top);
    context.strokeRect(left, top, right - left, bottom - top);
    context.textAlign = "right";
    for (const value of ticks(...yRange)) context.fillText(plain(value), left - 6, up(value) + 4);
    context.textAlign = "center";
    const places = logX ? decades(...xRange) : ticks(...xRange);
    for (const value of places) context.fillText(plain(value), across(value), bottom + 16);
    context.fillText(x, (left + right) / 2, height - 6);
    context.save();
    context.rotate(-Math.PI / 2);
    context.fillText(y, -(top + bottom) / 2, 12);
    context.restore();
    context.save();
    context.beginPath();
    context.rect(left, top, right - left, bottom - top);
    context.clip();
    context.textAlign = "right";
    for (const [name, value] of levels) {
      context.setLineDash([2, 3]);
      line(context, [[left, up(value)], [right, up(value)]]);
      context.fillText(name, right - 6, up(value) - 4);
    }
    context.textAlign = "left";
    for (const [name, value] of marks) {
      context.setLineDash([2, 3]);
      line(context, [[across(value), top], [across(value), bottom]]);
      context.fillText(name, across(value) + 5, top + 14);
    }
    series.forEach(({ x: xs, y: ys, name, dashed, filled, dots }, number) => {
      context.strokeStyle = context.fillStyle = COLORS[number % COLORS.length];
      context.lineWidth = 2;
      context.setLineDash(dashed ? [6, 4] : []);
      const points = Array.from(xs, (value, i) => [across(value), up(ys[i])]).filter(([, b]) => Number.isFinite(b));
      if (dots) points.forEach(([a, b], i) => dot(context, a, b, dots[i] ?? 3.5));
      else line(context, points);
      if (filled) {
        context.globalAlpha = 0.3;
        line(context, [[points[0][0], bottom], ...points, [points.at(-1)[0], bottom]]);
        context.fill();
        context.globalAlpha = 1;
      }
      if (series.length > 1) {
        context.textAlign = marks.length ? "right" : "left"; // beside the names of the marks
        context.fillText(name, marks.length ? right - 10 : left + 10, top + 16 * (number + (marks.length ? 2 : 1)));
      }
    });
    context.restore();
  }
  function line(context, points) {
    context.beginPath();
    points.forEach(([a, b], number) => (number ? context.lineTo(a, b) : context.moveTo(a, b)));
    context.stroke();
  }
  function dot(context, x, y, radius) {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
  }
  function ticks(low, high) {
    const rough = (high - low) / 5, unit = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((m) => m * unit).find((each) => each >= rough);
    return Array.from({ length: Math.floor(high / step) - Math.ceil(low / step) + 1 }, (_, k) => (Math.ceil(low / step) + k) * step);
  }
  const decades = (low, high) => Array.from({ length: 12 }, (_, k) => 10 ** (k - 6)).filter((v) => v >= low && v <= high);
  const plain = (value) => String(Number(value.toPrecision(4)));
  return { chart, COLORS };
})());
