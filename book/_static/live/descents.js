// Four optimizers on a quadratic valley of two weights, as chapter 10 runs PyTorch's SGD and Adam, and SOAP.
"use strict";

const descents = (() => {
  const EPS = 1e-8, BETA2 = 0.999; // Adam's and SOAP's defaults in the chapter

  // The Hessian [h00, h01, h10, h11], with curvatures 1 and `condition` along axes that are turned, and the start. As in
  // the chapter, sine and cosine are float32.
  function valley(degrees, condition) {
    const a = (degrees * Math.PI) / 180, c = Math.fround(Math.cos(a)), s = Math.fround(Math.sin(a));
    const steep = [-s * condition, c * condition];
    const H = [c * c - steep[0] * s, c * s + steep[0] * c, s * c - steep[1] * s, s * s + steep[1] * c];
    return { H, start: [-2 * c - 0.5 * s, -2 * s + 0.5 * c] };
  }

  const height = (H, x, y) => 0.5 * ((x * H[0] + y * H[2]) * x + (x * H[1] + y * H[3]) * y);

  // Each optimizer is a function that makes a step: of the gradient (gx, gy), at a rate, into `out`.
  function sgd(momentum) {
    let vx = 0, vy = 0;
    return (gx, gy, rate, out) => {
      vx = momentum * vx + gx;
      vy = momentum * vy + gy;
      out[0] = rate * vx;
      out[1] = rate * vy;
    };
  }

  function adam(beta1) {
    let mx = 0, my = 0, vx = 0, vy = 0, k = 0;
    return (gx, gy, rate, out) => {
      k++;
      mx += (1 - beta1) * (gx - mx);
      my += (1 - beta1) * (gy - my);
      vx = BETA2 * vx + (1 - BETA2) * gx * gx;
      vy = BETA2 * vy + (1 - BETA2) * gy * gy;
      const size = rate / (1 - beta1 ** k), root = Math.sqrt(1 - BETA2 ** k);
      out[0] = (size * mx) / (Math.sqrt(vx) / root + EPS);
      out[1] = (size * my) / (Math.sqrt(vy) / root + EPS);
    };
  }

  // Adam in the eigenvectors of the mean of g g^T, whose estimate turns a little at every step. A first step only looks.
  function soap(beta1) {
    let mx = 0, my = 0, v0 = 0, v1 = 0, k = -1;
    let xx = 0, xy = 0, yy = 0; // the mean of g g^T
    let qx = 1, qy = 0; // its first eigenvector; (-qy, qx) is the second
    const look = (gx, gy) => {
      xx += (1 - BETA2) * (gx * gx - xx);
      xy += (1 - BETA2) * (gx * gy - xy);
      yy += (1 - BETA2) * (gy * gy - yy);
    };
    // One round of power iteration, with the larger eigenvalue first; the package rounds it to float32, and so do we.
    const turn = () => {
      let px = xx * qx + xy * qy, py = xy * qx + yy * qy;
      const rx = xy * qx - xx * qy, ry = yy * qx - xy * qy;
      if (rx * -qy + ry * qx > px * qx + py * qy) {
        [px, py, v0, v1] = [rx, ry, v1, v0];
      }
      px = Math.fround(px);
      py = Math.fround(py);
      const length = Math.hypot(px, py);
      qx = Math.fround(px / length);
      qy = Math.fround(py / length);
    };
    return (gx, gy, rate, out) => {
      k++;
      if (k === 0) {
        look(gx, gy);
        const length = Math.hypot(gx, gy);
        [qx, qy] = [gx / length, gy / length];
        out[0] = out[1] = 0;
        return;
      }
      const size = (rate * Math.sqrt(1 - BETA2 ** k)) / (1 - beta1 ** k);
      const g0 = gx * qx + gy * qy, g1 = gy * qx - gx * qy;
      mx += (1 - beta1) * (gx - mx);
      my += (1 - beta1) * (gy - my);
      v0 += (1 - BETA2) * (g0 * g0 - v0);
      v1 += (1 - BETA2) * (g1 * g1 - v1);
      const s0 = (mx * qx + my * qy) / (Math.sqrt(v0) + EPS), s1 = (my * qx - mx * qy) / (Math.sqrt(v1) + EPS);
      out[0] = size * (s0 * qx - s1 * qy);
      out[1] = size * (s0 * qy + s1 * qx);
      look(gx, gy);
      turn();
    };
  }

  const OPTIMIZERS = { SGD: () => sgd(0), momentum: sgd, Adam: adam, SOAP: soap };
  // Every eighth of a decade from 10^-2.5 to 10^0.5
  const RATES = Array.from({ length: 25 }, (_, k) => 10 ** ((k - 20) / 8));

  // The points (x, y, x, y, ...) of a walk and their losses; the rate falls along half a cosine.
  function walk(name, { H, start }, rate, momentum, steps) {
    const step = OPTIMIZERS[name](momentum), out = [0, 0];
    const path = new Float64Array(2 * steps + 2), losses = new Float64Array(steps + 1);
    let [x, y] = start;
    for (let k = 0; ; k++) {
      path[2 * k] = x;
      path[2 * k + 1] = y;
      losses[k] = height(H, x, y);
      if (k === steps) return { path, losses, rate };
      step(x * H[0] + y * H[2], x * H[1] + y * H[3], (rate * (1 + Math.cos((Math.PI * k) / steps))) / 2, out);
      x -= out[0];
      y -= out[1];
    }
  }

  // The walk that ends lowest, without those that ever climb above the start; nothing where all of them climb.
  function best(name, valley, momentum, steps) {
    let found;
    for (const rate of RATES) {
      const each = walk(name, valley, rate, momentum, steps);
      if (!each.losses.every((loss) => loss <= 1.001 * each.losses[0])) continue;
      if (!found || each.losses[steps] < found.losses[steps]) found = each;
    }
    return found;
  }

  return { valley, walk, best, names: Object.keys(OPTIMIZERS), RATES };
})();
