// A file in, its pixels out, or one sentence that says what would be right. What the browser would silently convert
// (16 bits, CMYK) would not be what the file holds.
"use strict";

const PHOTO_LIMITS = {
  smallest: 4, // pixels a side: what bicubic interpolation looks at
  result: 16e6, // pixels of the result: two pictures of 64 MB each, which a telephone's browser holds as well
  side: 16384, // pixels a side of the result: the longest that browsers draw
  read: 100e6, // pixels of a file that is decoded
  bytes: 100e6, // of a file
  middle: 1200, // pixels a side of the result, where only the middle is taken
};

// The pixels of a file: { name, width, height, bytes, recolored }, bytes RGBA, turned as the camera was held, and
// whether the file's color profile would change them. With `middle`, those of a square from its middle.
async function photoRead(file, scale, middle = false) {
  const name = file.name;
  if (file.size === 0) throw new Error(`${name} is empty, or a folder; choose one image file.`);
  if (file.size > PHOTO_LIMITS.bytes) throw new Error(`${name} has more than 100 megabytes; choose a smaller file.`);
  const content = await file.arrayBuffer().catch(() => {
    throw new Error(`${name} cannot be read from the disk; is it still there?`);
  });
  photoTrusted();
  const header = photoHeader(new DataView(content), name);
  if (header.width * header.height > PHOTO_LIMITS.read) {
    throw new Error(`${name} has ${header.width} x ${header.height} pixels; at most 100 megapixels are read.`);
  }
  if (!middle) photoCheck({ ...header, name }, scale);
  const bitmap = await photoDecode(content, "none").catch(() => {
    throw new Error(`${name} is damaged or cut short${header.rare ?? ""}; get a whole copy.`);
  });
  const recolored = header.profile && (await photoRecolored(content, bitmap));
  const picture = photoPixels(bitmap, middle ? Math.floor(PHOTO_LIMITS.middle / scale) : Infinity);
  bitmap.close();
  // what lies hidden under a transparent pixel is lost on a canvas, and `srcnn upscale` would enlarge it
  for (let i = 3; i < picture.bytes.length; i += 4) {
    if (picture.bytes[i] !== 255) {
      throw new Error(`${name} has transparency, whose hidden colors a browser does not keep; ` +
        "save it without transparency, or use the command srcnn upscale.");
    }
  }
  return { ...picture, name, recolored };
}

// Turned by the camera's note; the colors as they are in the file ("none") or as its profile means them ("default").
function photoDecode(content, colorSpaceConversion) {
  const options = { imageOrientation: "from-image", premultiplyAlpha: "none", colorSpaceConversion };
  return createImageBitmap(new Blob([content]), options);
}

// Whether a picture's color profile changes it by more than rounding; most profiles say sRGB, which changes nothing.
async function photoRecolored(content, plain) {
  const meant = await photoDecode(content, "default").catch(() => plain); // a profile is no reason to refuse pixels
  const [a, b] = [plain, meant].map((bitmap) => photoPixels(bitmap, 256).bytes); // of the middle
  if (meant !== plain) meant.close();
  return a.some((value, i) => Math.abs(value - b[i]) > 4);
}

// Refuse what is too small or would become too large. The error's `large` says that its middle could be taken.
function photoCheck({ name, width, height }, scale) {
  const { smallest, result, side } = PHOTO_LIMITS;
  if (Math.min(width, height) < smallest) {
    throw new Error(`${name} has ${width} x ${height} pixels; at least ${smallest} x ${smallest} are needed.`);
  }
  const [wide, high] = [width * scale, height * scale];
  if (wide * high > result || Math.max(wide, high) > side) {
    const reason = wide * high > result
      ? `at most ${result / 1e6} megapixels, because your browser holds both images in memory`
      : `at most ${side} pixels a side, because browsers draw nothing longer`;
    const message = `${name} would become ${wide} x ${high} pixels at x${scale}. This page makes ${reason}. ` +
      "Choose a smaller part of it, or use the command srcnn upscale.";
    throw Object.assign(new Error(message), { large: true });
  }
}

// Some browsers add noise to what a page reads from a picture, so that nobody is known again by it.
function photoTrusted() {
  const canvas = Object.assign(document.createElement("canvas"), { width: 16, height: 16 });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const known = new ImageData(16, 16);
  known.data.forEach((_, i) => (known.data[i] = i % 4 === 3 ? 255 : (i * 37) % 256));
  context.putImageData(known, 0, 0);
  const read = context.getImageData(0, 0, 16, 16).data;
  if (known.data.some((value, i) => value !== read[i])) {
    throw new Error("Your browser changes the pixels that a page reads, to protect your privacy. " +
      "Allow this page to read them, or use the command srcnn upscale.");
  }
}

// At most `most` pixels a side, from the middle.
function photoPixels(bitmap, most) {
  const [width, height] = [Math.min(bitmap.width, most), Math.min(bitmap.height, most)];
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true }); // in memory, where no rounding happens
  context.drawImage(bitmap, -((bitmap.width - width) >> 1), -((bitmap.height - height) >> 1));
  return { width, height, bytes: context.getImageData(0, 0, width, height).data };
}

// What the file says of itself: { width, height }, as it is stored.
function photoHeader(view, name) {
  const is = (text, at) => [...text].every((c, i) => at + i < view.byteLength && view.getUint8(at + i) === c.charCodeAt(0));
  const fail = (what) => {
    throw new Error(`${name} ${what}`);
  };
  try {
    if (is("\x89PNG\r\n\x1a\n", 0)) return photoPng(view, is, fail);
    if (is("\xff\xd8\xff", 0)) return photoJpeg(view, is, fail);
    if (is("RIFF", 0) && is("WEBP", 8)) return photoWebp(view, is, fail);
    if (is("BM", 0)) return photoBmp(view, fail);
  } catch (error) {
    if (error instanceof RangeError) fail("is damaged or cut short; get a whole copy.");
    throw error;
  }
  if (is("II*\0", 0) || is("MM\0*", 0)) {
    fail("is a TIFF or a camera's raw file, which browsers do not read; save it as PNG or JPEG.");
  }
  if (is("ftyp", 4)) fail("is HEIC, AVIF, a raw file or a video, whatever its name; save it as PNG or JPEG.");
  return fail("is not an image that this page can read; choose a PNG, JPEG, WebP or BMP file.");
}

function photoPng(view, is, fail) {
  if (view.getUint8(24) === 16) {
    fail("has more than 8 bits per channel, and a page gets only 8; save it as 8-bit RGB or gray, " +
      "or use the command srcnn upscale.");
  }
  let profile = false;
  for (let at = 8; !is("IDAT", at + 4); at += 12 + view.getUint32(at)) {
    if (is("acTL", at + 4) && view.getUint32(at + 8) > 1) fail("is an animation; choose a single image.");
    profile ||= ["iCCP", "gAMA", "cHRM", "cICP"].some((kind) => is(kind, at + 4));
  }
  return { width: view.getUint32(16), height: view.getUint32(20), profile };
}

function photoJpeg(view, is, fail) {
  let profile = false;
  for (let at = 2; ; at += 2 + view.getUint16(at + 2)) {
    while (view.getUint8(at + 1) === 0xff) at++; // a marker may have fill bytes before it
    const marker = view.getUint8(at + 1);
    if (view.getUint8(at) !== 0xff || marker === 0xda) fail("is damaged or cut short; get a whole copy.");
    profile ||= is("\xff\xe2", at) && is("ICC_PROFILE", at + 4);
    if (marker < 0xc0 || marker > 0xcf || [0xc4, 0xc8, 0xcc].includes(marker)) continue; // no start of a frame
    const bits = view.getUint8(at + 4);
    if (bits !== 8) fail(`is a JPEG of ${bits} bits per channel, which browsers do not read; save it as 8-bit PNG or JPEG.`);
    if (![0xc0, 0xc1, 0xc2, 0xc9, 0xca].includes(marker)) {
      fail("is a lossless JPEG, which browsers do not read; save it as PNG.");
    }
    if (view.getUint8(at + 9) === 4) fail("has CMYK colors, which are for printing; save it as RGB.");
    const rare = marker > 0xc2 ? ", or your browser does not read JPEGs with arithmetic coding" : "";
    return { width: view.getUint16(at + 7), height: view.getUint16(at + 5), profile, rare };
  }
}

function photoWebp(view, is, fail) {
  const size = (at, bits) => view.getUint32(at, true) & (2 ** bits - 1);
  if (is("VP8 ", 12)) return { width: size(26, 14), height: view.getUint16(28, true) & 0x3fff };
  if (is("VP8L", 12)) return { width: size(21, 14) + 1, height: ((size(21, 28) >> 14) & 0x3fff) + 1 };
  if (!is("VP8X", 12)) fail("is damaged or of an unknown kind of WebP; save it as PNG.");
  if (view.getUint8(20) & 2) fail("is an animation; choose a single image.");
  // browsers do not turn a WebP by the camera's note
  for (let at = 12; at + 8 < view.byteLength; at += 8 + view.getUint32(at + 4, true) + (view.getUint32(at + 4, true) & 1)) {
    if (is("EXIF", at) && photoTurned(view, at + 8)) {
      fail("has an orientation tag, which browsers ignore in WebP; save it as PNG or JPEG.");
    }
  }
  return { width: size(24, 24) + 1, height: size(27, 24) + 1, profile: Boolean(view.getUint8(20) & 0x20) };
}

// Whether an EXIF block turns its picture. One that makes no sense turns nothing: a tag is no reason to refuse pixels.
function photoTurned(view, start) {
  let turned = false;
  try {
    const at = view.getUint8(start) === 0x45 ? start + 6 : start; // some writers put "Exif\0\0" before it
    const little = view.getUint8(at) === 0x49;
    const table = at + view.getUint32(at + 4, little);
    for (let k = 0; k < view.getUint16(table, little); k++) {
      const entry = table + 2 + 12 * k;
      if (view.getUint16(entry, little) !== 0x0112) continue;
      const kind = view.getUint16(entry + 2, little); // a short number (3), but some write longer and shorter ones
      const read = { 3: "getUint16", 8: "getUint16", 4: "getUint32", 9: "getUint32", 13: "getUint32", 6: "getUint8" }[kind];
      const orientation = read && view[read](entry + 8, little);
      turned ||= orientation > 1 && orientation < 9;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return turned;
}

function photoBmp(view, fail) {
  const old = view.getUint32(14, true) === 12; // of OS/2, with shorter numbers
  if (view.getUint16(old ? 24 : 28, true) === 16) {
    fail("has 5 or 6 bits per channel, which programs convert to 8 in different ways; save it as PNG.");
  }
  if (old) return { width: view.getUint16(18, true), height: view.getUint16(20, true) };
  return { width: view.getInt32(18, true), height: Math.abs(view.getInt32(22, true)) }; // below 0: the top row is first
}
