// One enlargement: the picture cut into strips, which go to as many Workers as the computer has processors.
"use strict";

// Of the result. Around a strip more is computed than it shows, so that few high ones are quicker; many share better
// among Workers, and their pixels are what bounds a Worker's memory.
const PHOTO_STRIP = { least: 16, most: 64, pixels: 2 ** 17, each: 4 }; // rows, rows, pixels, strips for each Worker
const PHOTO_MARGIN = 10; // small rows around a strip that its result depends on, with room to spare: 6 + 4

let photoEngine; // compiled once for all Workers of all runs; null where the browser has no SIMD

// Start; returns a function that stops. Calls on.strip({ first, last, bicubic, srcnn }, share done), then
// on.done(number of Workers), or on.failed(sentence).
function photoRun(picture, scale, on) {
  const { width, height, bytes } = picture;
  const processors = Math.max(2, Math.min(navigator.hardwareConcurrency || 2, 8));
  const { least, most, pixels, each: shares } = PHOTO_STRIP;
  const wanted = Math.min(most, pixels / (width * scale), (height * scale) / (shares * processors));
  const each = Math.ceil(Math.max(least, wanted) / scale);
  const strips = Math.ceil(height / each);
  const count = Math.min(strips, processors);
  const address = URL.createObjectURL(new Blob([`"use strict"; ${engine}; (${photoWorker})(self);`], { type: "text/javascript" }));
  const workers = [];
  let [next, done] = [0, 0];

  const stop = () => {
    workers.forEach((worker) => worker.terminate());
    URL.revokeObjectURL(address);
  };
  const fail = (event) => {
    stop();
    on.failed(`The computation stopped (${event.message || "no reason was given"}); a smaller image may succeed.`);
  };
  const send = (worker) => {
    if (next === strips) return;
    const [first, last] = [next * each, Math.min(height, (next + 1) * each)];
    const [top, bottom] = [Math.max(0, first - PHOTO_MARGIN), Math.min(height, last + PHOTO_MARGIN)];
    next++;
    worker.postMessage({ bytes: bytes.slice(4 * width * top, 4 * width * bottom), top, first, last });
  };
  photoEngine ??= engine(engineCode).then(({ compiled }) => compiled, () => null);
  const weights = photoBytes(photoData.weights[scale]).buffer;
  for (let k = 0; k < count; k++) {
    const worker = new Worker(address);
    workers.push(worker);
    worker.onerror = fail;
    worker.onmessage = ({ data }) => {
      send(worker);
      done++;
      on.strip(data, done / strips);
      if (done < strips) return;
      stop();
      on.done(count);
    };
    photoEngine.then((code) => {
      worker.postMessage({ weights, scale, width, height, code });
      send(worker);
    });
  }
  return stop;
}

function photoBytes(base64) {
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}
