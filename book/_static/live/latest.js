// kit.latest: work in a Worker, where the newest request wins.
"use strict";

Object.assign(kit, (() => {
  // What runs in the Worker. Messages that came meanwhile are let in before each request, so that only the last is done.
  async function serve(begin) {
    let newest = null, wake = () => {};
    const turn = () => new Promise((resolve) => setTimeout(resolve));
    const outdated = async () => { await turn(); return newest !== null; };
    onmessage = ({ data }) => { newest = data; wake(); };
    const work = begin();
    for (;;) {
      if (!newest) await new Promise((resolve) => (wake = resolve));
      await turn();
      const { number, given } = newest;
      newest = null;
      try { await (await work)(given, (result) => postMessage({ number, result }), outdated); }
      catch (error) { postMessage({ number, error: error.message }); }
    }
  }

  // `begin` runs once in the Worker, after the texts in `uses` (functions may be given as they are), and returns the work:
  // a function of what is asked, of tell(result), which may be called more than once, and of outdated(), which promises
  // whether a newer request has come, so that the work may be given up. `heard` gets each result, and whether it is one
  // of the newest request; `failed` gets a message. The call that is returned asks.
  function latest(uses, begin, heard, failed) {
    const text = `"use strict"; ${uses.join(";\n")}; (${serve})(${begin});`;
    const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    const worker = new Worker(address);
    let asked = 0;
    worker.onmessage = ({ data: { number, result, error } }) => {
      URL.revokeObjectURL(address); // it has been read
      if (error === undefined) heard(result, number === asked);
      else if (number === asked) failed(error);
    };
    worker.onerror = (event) => failed(event.message);
    return (given) => worker.postMessage({ number: ++asked, given });
  }

  // For `uses`: the engine with its code, and the shipped networks' parameters.
  const networks = () => [engine, `const engineCode = ${JSON.stringify(engineCode)}`,
    `const liveWeights = ${JSON.stringify(liveWeights)}`, `const bytes = ${kit.bytes}`, `const floats = ${kit.floats}`,
    `const weights = ${kit.weights}`];

  return { latest, networks };
})());
