// The sample photographs and the reader's own, as luma in 0..1 (photographs.js comes first), and their PSNR.
"use strict";

Object.assign(kit, (() => {
  // The bytes (4 a pixel) of something that a canvas can draw.
  function pixels(bitmap) {
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    return context.getImageData(0, 0, width, height).data;
  }

  const bytes = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

  // A PNG file as base64: its size, and its red (0), green (1) and blue (2) in 0..1.
  async function decoded(png) {
    const bitmap = await createImageBitmap(new Blob([bytes(png)], { type: "image/png" }), { colorSpaceConversion: "none" });
    const [h, w, data] = [bitmap.height, bitmap.width, pixels(bitmap)];
    return { h, w, plane: (c) => Float32Array.from({ length: h * w }, (_, i) => data[4 * i + c] / 255) };
  }

  // All sample photographs: { name: { h, w, values } }.
  let photographs;
  const samples = () => (photographs ??= (async () => {
    const all = Object.entries(livePhotographs).map(async ([name, png]) => {
      const { h, w, plane } = await decoded(png);
      return [name, { h, w, values: plane(0) }];
    });
    return Object.fromEntries(await Promise.all(all));
  })());

  // The luma of a file of the reader's, in the studio range of the protocol.
  async function plane(file, { most = 4e6, least = 132 } = {}) {
    const bitmap = await createImageBitmap(file).catch(() => {
      throw new Error(`${file.name} is no image that this browser reads; give PNG, JPEG or WebP.`);
    });
    const [w, h] = [bitmap.width, bitmap.height];
    if (w * h > most) throw new Error(`${file.name} has ${w} x ${h} pixels; at most ${most / 1e6} megapixels are used here.`);
    if (Math.min(w, h) < least) throw new Error(`${file.name} has ${w} x ${h} pixels; at least ${least} x ${least} are needed.`);
    const data = pixels(bitmap);
    for (let i = 3; i < data.length; i += 4) {
      if (data[i] < 255) throw new Error(`${file.name} has transparent pixels, which have no luma; save it without transparency.`);
    }
    const values = Float32Array.from({ length: h * w }, (_, i) =>
      Math.round(16 + (65.481 * data[4 * i] + 128.553 * data[4 * i + 1] + 24.966 * data[4 * i + 2]) / 255) / 255);
    return { h, w, values };
  }

  // A choice among sample photographs and a file of the reader's. `changed` gets the photograph {h, w, values} and its
  // name; what is wrong with a file goes to `told`, and the photograph stays.
  function source(names, { label = "Photograph", changed, told, ...limits }) {
    const select = kit.make("select", { autocomplete: "off", "aria-label": label });
    for (const name of names) select.append(kit.make("option", { value: name }, name));
    const file = kit.make("input", { type: "file", accept: "image/png,image/jpeg,image/webp,image/bmp" });
    let latest = 0; // a large file may be ready after what was chosen next
    async function take(given, name) {
      const number = ++latest;
      try {
        const image = await given;
        if (number !== latest) return;
        changed(image, name);
        if (name !== select.value) select.selectedIndex = -1; // so that the sample chosen before can be chosen again
      } catch (error) {
        if (number === latest) told(error.message);
      }
    }
    const sample = () => take(samples().then((all) => all[select.value]), select.value);
    select.addEventListener("change", () => { file.value = ""; sample(); });
    file.addEventListener("change", () => {
      if (file.files.length) take(plane(file.files[0], limits), file.files[0].name);
    });
    const element = kit.make("div", { className: "live-control" }, kit.make("label", {}, `${label} `, select),
      kit.make("label", {}, "or your own ", file));
    return { element, first: sample };
  }

  // A part (height, width) of a plane that is `w` wide.
  function crop(values, w, top, left, height, width) {
    const part = new Float32Array(height * width);
    for (let r = 0; r < height; r++) {
      const start = (top + r) * w + left;
      part.set(values.subarray(start, start + width), r * width);
    }
    return part;
  }

  // The numbers in base64 of little-endian float32.
  const floats = (text) => new Float32Array(bytes(text).buffer);

  // The parameters of the shipped 9-1-5 at a scale (weights.js), for network() of engine.js.
  const weights = (scale) => floats(liveWeights[scale]);

  // PSNR in dB of two planes (h, w) after rounding to bytes, `shave` pixels cut from each side.
  function psnr(output, target, h, w, shave) {
    const byte = (value) => Math.min(255, Math.max(0, Math.round(255 * value)));
    let sum = 0;
    for (let r = shave; r < h - shave; r++) {
      for (let c = shave; c < w - shave; c++) sum += (byte(output[r * w + c]) - byte(target[r * w + c])) ** 2;
    }
    return 10 * Math.log10((255 ** 2 * (h - 2 * shave) * (w - 2 * shave)) / sum);
  }

  return { bytes, decoded, samples, plane, source, crop, floats, weights, psnr };
})());
