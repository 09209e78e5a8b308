// Random numbers that a seed decides, in the page and in a Worker, which is given the texts of these functions.
"use strict";

// Uniform in 0..1, without 1.
function mulberry(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

// Normally distributed, by Box and Muller.
function normals(count, seed) {
  const draw = mulberry(seed);
  return Float32Array.from({ length: count }, () => Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw()));
}
