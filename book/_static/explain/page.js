// The page: two images and a figure in, the answer out. Files are opened as on the page of the photograph.
"use strict";

// The pixels of a file, or one sentence that says what would be right.
async function explainRead(file) {
  const { name } = file;
  if (!file.size) throw new Error(`${name} is empty, or a folder; give one image file.`);
  photoTrusted();
  const content = await file.arrayBuffer().catch(() => {
    throw new Error(`${name} cannot be read from the disk; is it still there?`);
  });
  const view = new DataView(content);
  const { width, height } = photoHeader(view, name);
  if (width * height > EXPLAIN_MOST) {
    throw new Error(`${name} has ${width} x ${height} pixels; this page compares at most ${EXPLAIN_MOST / 1e6} megapixels, ` +
      "the command srcnn explain more.");
  }
  // as they are in the file: turned by the camera's note, but not converted to the screen's colors
  const options = { imageOrientation: "from-image", premultiplyAlpha: "none", colorSpaceConversion: "none" };
  const bitmap = await createImageBitmap(new Blob([content]), options).catch(() => {
    throw new Error(`${name} is damaged or cut short; get a whole copy.`);
  });
  const { bytes, ...size } = photoPixels(bitmap, Infinity);
  bitmap.close();
  for (let i = 3; i < bytes.length; i += 4) {
    if (bytes[i] !== 255) throw new Error(`${name} has transparency, which has no PSNR; save it as RGB or gray without alpha`);
  }
  return { name, ...size, bytes, gray: explainGray(view) };
}

// Whether a PNG or JPEG holds one channel; the protocol takes a gray file as luma.
function explainGray(view) {
  if (view.getUint8(0) === 0x89) return [0, 4].includes(view.getUint8(25));
  if (view.getUint8(0) !== 0xff) return false;
  for (let at = 2; ; at += 2 + view.getUint16(at + 2)) {
    while (view.getUint8(at + 1) === 0xff) at++;
    const marker = view.getUint8(at + 1);
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) return view.getUint8(at + 9) === 1;
  }
}

(() => {
  const form = document.getElementById("explain");
  const find = (selector) => form.querySelector(selector);
  const [result, bar] = ["[role=status]", "progress"].map(find);
  const boxes = [...form.querySelectorAll(".explain-box")];
  const given = boxes.map(() => []); // the files of outputs and originals
  let turn = 0; // of questions: what an older one still has to say is not heard

  const line = (kind, text) => Object.assign(document.createElement(kind), { textContent: text });

  function say(...lines) {
    turn++;
    bar.hidden = true;
    result.replaceChildren(...lines);
  }

  function take(k, files) {
    given[k] = [...files].sort((a, b) => (a.name < b.name ? -1 : 1));
    boxes[k].querySelector(".explain-names").textContent = given[k].map(({ name }) => name).join(", ");
    say();
  }

  async function explain() {
    say(line("p", "Measuring."));
    const mine = turn;
    const scale = Number(find("input[name=explain-scale]:checked").value);
    try {
      if (!given[0].length || !given[1].length) throw new Error("Give an output and its original first.");
      const [outputs, originals] = [[], []];
      for (const file of given[0]) outputs.push(await explainRead(file));
      for (const file of given[1]) originals.push(await explainRead(file));
      const told = await explainTell(outputs, originals, find("#explain-claimed").value, scale, (share) => {
        if (mine === turn) Object.assign(bar, { hidden: false, value: share });
        return new Promise((go) => setTimeout(go));
      });
      if (mine !== turn) return;
      const list = document.createElement("ul");
      list.append(...told.ways.map((way) => line("li", way)));
      say(...told.troubles.map((text) => Object.assign(line("p", text), { className: "explain-trouble" })),
        line("p", told.answer), list, line("p", told.tables), line("blockquote", told.statement));
    } catch (error) {
      if (mine !== turn) return;
      const text = error.message.replace("srcnn upscale", "srcnn explain");
      say(Object.assign(line("p", text), { className: "explain-trouble" }));
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    explain();
  });
  form.addEventListener("input", () => say()); // an answer stands beside its own question alone
  boxes.forEach((box, k) => {
    const input = box.querySelector("input");
    input.addEventListener("change", () => {
      if (input.files.length) take(k, input.files);
      input.value = ""; // so that the same file can be chosen again
    });
  });
  // A file may be dropped anywhere: one that misses the boxes would make the browser leave the page.
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      const box = event.target.closest?.(".explain-box") ?? boxes[given[0].length ? 1 : 0];
      boxes.forEach((each) => each.classList.toggle("explain-over", kind === "dragover" && each === box));
      if (kind === "drop" && event.dataTransfer.files.length) take(boxes.indexOf(box), event.dataTransfer.files);
    });
  }
  form.hidden = false;
})();
