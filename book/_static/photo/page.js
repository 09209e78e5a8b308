// The page: what the reader gives, chooses, sees and saves.
"use strict";

(() => {
  const root = document.getElementById("photo");
  const find = (selector) => root.querySelector(selector);
  const status = find("[role=status]");
  const progress = find("progress");
  const [input, slider, full, save, halt, middle] = ["#photo-file", "#photo-divider", "#photo-full", "#photo-save",
    "#photo-stop", "#photo-middle"].map(find);
  const [stage, view] = [find(".photo-stage"), find(".photo-view")];
  const canvases = { bicubic: find("#photo-bicubic"), srcnn: find("#photo-srcnn") };
  let file, part, picture; // what was given, whether only its middle is wanted, and its pixels once they are read
  let stop = () => {}; // ends the run that is going on
  let turn = 0; // of choices: what an older one still has to say is not heard

  // Weights, samples and the engine's code load with the first photograph: most readers of a page choose none.
  const home = document.currentScript.src;
  const ready = () => Promise.all(["data.js", "../live/code.js"].map((name) => loadScript(new URL(name, home).href)));

  const scale = () => Number(find("input[name=photo-scale]:checked").value);

  function say(text, trouble = false) {
    status.textContent = text;
    status.classList.toggle("photo-trouble", trouble);
  }

  function refuse(error) {
    end();
    stage.hidden = true;
    middle.hidden = !error.large;
    say(error.message, true);
  }

  function end() {
    stop();
    stop = () => {};
    progress.hidden = halt.hidden = true;
  }

  function choose(chosen, middlePart = false) {
    [file, part, picture] = [chosen, middlePart, undefined];
    start();
  }

  // Read the file unless its pixels are there already, and enlarge it.
  async function start() {
    const mine = ++turn;
    end();
    middle.hidden = save.hidden = true;
    URL.revokeObjectURL(save.href);
    save.removeAttribute("href");
    const by = scale();
    try {
      if (picture) photoCheck(picture, by);
      await ready();
      const read = picture ?? (say(`Reading ${file.name}.`), await photoRead(file, by, part));
      if (mine !== turn) return;
      picture = part ? undefined : read; // a part has its size from the scale; for another scale it is cut anew
      show(read, by, mine);
    } catch (error) {
      if (mine === turn) refuse(error);
    }
  }

  function show(read, by, mine) {
    const [width, height] = [read.width * by, read.height * by];
    const contexts = Object.entries(canvases).map(([method, canvas]) => {
      Object.assign(canvas, { width, height });
      const kind = method === "srcnn" ? "SRCNN" : "bicubic interpolation";
      canvas.setAttribute("aria-label", `${read.name}, upsampled by ${kind}`);
      const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
      context.fillStyle = "#808080"; // what is not there yet
      context.fillRect(0, 0, width, height);
      return [method, context];
    });
    stage.style.setProperty("--width", `${width}px`);
    stage.hidden = progress.hidden = halt.hidden = false;
    progress.value = 0;
    lay();
    say(`Upsampling ${read.name} to ${width} x ${height} pixels.`);
    const begun = performance.now();
    stop = photoRun(read, by, {
      strip(made, share) {
        for (const [method, context] of contexts) {
          context.putImageData(new ImageData(made[method], width), 0, made.first * by);
        }
        progress.value = share;
      },
      done(workers) {
        const seconds = ((performance.now() - begun) / 1000).toFixed(1);
        end();
        const profile = " Its color profile is left out, so the colors here and in the saved image are different.";
        const made = `${width} x ${height} pixels in ${seconds} s, with ${workers} workers.`;
        say(`${read.name}: ${made}${read.recolored ? profile : ""}`);
        offer(read, by, mine);
      },
      failed: (message) => refuse(new Error(message)),
    });
  }

  function offer(read, by, mine) {
    canvases.srcnn.toBlob((png) => {
      if (mine !== turn || !png) return;
      save.href = URL.createObjectURL(png);
      save.download = `${read.name.replace(/\.[^.]*$/, "")}-x${by}.png`;
      save.hidden = false;
    }, "image/png");
  }

  // The upper picture, bicubic, is cut at the divider; where the pictures are scrolled, it moves beneath it.
  function lay() {
    stage.classList.toggle("photo-full", full.checked);
    const at = (slider.value / 100) * view.clientWidth;
    stage.style.setProperty("--at", `${at}px`);
    stage.style.setProperty("--cut", `${at + view.scrollLeft}px`);
    slider.setAttribute("aria-valuetext", `${slider.value}% bicubic, ${100 - slider.value}% SRCNN`);
    const scrolls = view.scrollWidth > view.clientWidth || view.scrollHeight > view.clientHeight;
    if (scrolls) view.setAttribute("tabindex", "0"); // so that the arrow keys can scroll it
    else view.removeAttribute("tabindex");
  }

  slider.addEventListener("input", lay);
  full.addEventListener("change", lay);
  view.addEventListener("scroll", lay);
  new ResizeObserver(lay).observe(view);

  function given(files) {
    if (files.length === 1) return choose(files[0]);
    turn++;
    refuse(new Error(`These are ${files.length} files, and this page takes one; the command srcnn upscale takes many.`));
  }

  input.addEventListener("change", () => {
    if (input.files.length) choose(input.files[0]);
    input.value = ""; // so that the same file can be chosen again
  });
  middle.addEventListener("click", () => choose(file, true));
  halt.addEventListener("click", () => {
    turn++;
    end();
    say("Stopped.");
  });
  for (const radio of root.querySelectorAll("input[name=photo-scale]")) {
    radio.addEventListener("change", () => file && start());
  }
  for (const button of root.querySelectorAll("[data-sample]")) {
    button.addEventListener("click", async () => {
      const { sample } = button.dataset;
      const mine = ++turn;
      try {
        await ready();
        if (mine === turn) choose(new File([photoBytes(photoData.samples[sample])], `${sample}.png`));
      } catch (error) {
        if (mine === turn) refuse(error);
      }
    });
  }
  // A file may be dropped anywhere: one that misses the box would make the browser leave the page.
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  for (const [kind, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
    document.addEventListener(kind, (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      root.classList.toggle("photo-over", over);
      if (kind === "drop" && event.dataTransfer.files.length) given(event.dataTransfer.files);
    });
  }
  root.hidden = false;
})();
