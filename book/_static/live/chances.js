// Could a mean difference be chance? Intervals, tests and resamples, as chapter 12 computes them.
"use strict";

const chances = (() => {
  const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
  const variance = (values, center = mean(values)) =>
    values.reduce((sum, value) => sum + (value - center) ** 2, 0) / (values.length - 1);

  // The Mersenne Twister: 32 random bits a call, those of torch.Generator().manual_seed(seed).
  function twister(seed) {
    const state = new Uint32Array(624);
    state[0] = seed;
    for (let i = 1; i < 624; i++) {
      const last = state[i - 1] ^ (state[i - 1] >>> 30);
      state[i] = Math.imul(1812433253, last) + i;
    }
    let at = 624;
    return () => {
      if (at === 624) {
        for (let i = 0; i < 624; i++) {
          const y = (state[i] & 0x80000000) | (state[i < 623 ? i + 1 : 0] & 0x7fffffff);
          state[i] = state[i < 227 ? i + 397 : i - 227] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
        }
        at = 0;
      }
      let y = state[at++];
      y ^= y >>> 11;
      y ^= (y << 7) & 0x9d2c5680;
      y ^= (y << 15) & 0xefc60000;
      return (y ^ (y >>> 18)) >>> 0;
    };
  }

  // The logarithm of the gamma function, by Lanczos's series.
  const LANCZOS = [676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
    -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7];
  function logGamma(z) {
    const t = z + 6.5;
    const sum = LANCZOS.reduce((total, c, k) => total + c / (z + k), 0.99999999999980993);
    return 0.5 * Math.log(2 * Math.PI) + (z - 0.5) * Math.log(t) - t + Math.log(sum);
  }

  // The regularized incomplete beta function, by its continued fraction (Lentz's method).
  function beta(x, a, b) {
    if (x > (a + 1) / (a + b + 2)) return 1 - beta(1 - x, b, a);
    const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a;
    let c = 1, d = 1 / (1 - ((a + b) * x) / (a + 1)), product = d;
    for (let m = 1; m < 500; m++) {
      const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
      const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
      for (const term of [even, odd]) {
        d = 1 / (1 + term * d);
        c = 1 + term / c;
        product *= c * d;
      }
      if (Math.abs(c * d - 1) < 1e-15) break;
    }
    return front * product;
  }

  // The probability that Student's t is at least as far from zero as t.
  const tails = (t, freedom) => beta(freedom / (freedom + t * t), freedom / 2, 0.5);

  // The t that 95% stay within, by bisection.
  function tReach(freedom) {
    let [low, high] = [0, 1000];
    for (let k = 0; k < 60; k++) {
      const middle = (low + high) / 2;
      if (tails(middle, freedom) > 0.05) low = middle;
      else high = middle;
    }
    return low;
  }

  // The mean difference with its t interval and two-sided p; unpaired as Welch does it.
  function student(a, b, paired) {
    const n = a.length, gains = a.map((value, i) => value - b[i]);
    const center = mean(gains);
    const squares = paired ? [variance(gains) / n] : [variance(a) / n, variance(b) / n];
    const square = squares.reduce((x, y) => x + y);
    const freedom = (square ** 2 * (n - 1)) / squares.reduce((sum, each) => sum + each ** 2, 0);
    const error = Math.sqrt(square), reach = tReach(freedom) * error;
    return { mean: center, error, low: center - reach, high: center + reach, p: tails(center / error, freedom) };
  }

  // The permutation test of paired gains, whose signs a coin decides: all sign patterns, or 9,999 random ones and the
  // observed. Gains are counted in the scores' last digit, so that sums are exact and ties are ties.
  function signFlips(gains, seed) {
    const n = gains.length, whole = Int32Array.from(gains, (gain) => Math.round(1e4 * gain));
    const observed = Math.abs(whole.reduce((a, b) => a + b));
    const exact = n <= 14, count = exact ? 2 ** n : 9999, next = twister(seed);
    let far = exact ? 0 : 1;
    for (let k = 0; k < count; k++) {
      let sum = 0, bits = k;
      for (let i = 0; i < n; i++) {
        if (!exact && i % 32 === 0) bits = next();
        sum += (bits >>> (i % 32)) & 1 ? whole[i] : -whole[i];
      }
      if (Math.abs(sum) >= observed) far++;
    }
    return { p: far / (exact ? count : count + 1), exact, count };
  }

  // The permutation test of two sets of scores as if unpaired: labels are dealt anew 9,999 times.
  function shuffles(a, b, seed) {
    const n = a.length, whole = Int32Array.from([...a, ...b], (score) => Math.round(1e4 * score)), next = twister(seed);
    const total = whole.reduce((x, y) => x + y), observed = Math.abs(2 * whole.slice(0, n).reduce((x, y) => x + y) - total);
    let far = 1;
    for (let k = 0; k < 9999; k++) {
      let sum = 0;
      for (let i = 0; i < n; i++) {
        const j = i + (next() % (2 * n - i));
        [whole[i], whole[j]] = [whole[j], whole[i]];
        sum += whole[i];
      }
      if (Math.abs(2 * sum - total) >= observed) far++;
    }
    return { p: far / 10_000, exact: false, count: 9999 };
  }

  // The sign test: how many gains are above zero, and the two-sided p of a fair coin.
  function signTest(gains) {
    const n = gains.length, wins = gains.filter((gain) => gain > 0).length;
    let term = 2 ** -n, tail = 0; // of n wins, then of one less
    for (let k = n; k >= Math.max(wins, n - wins); k--) {
      tail += term;
      term *= k / (n - k + 1);
    }
    return { wins, p: Math.min(1, 2 * tail) };
  }

  // Resamples of each group of values: `draw` fills in how often each value came, and gives the means.
  function resampler(groups, seed) {
    const next = twister(seed), times = groups.map((group) => new Uint8Array(group.length));
    const draw = () => groups.map((group, g) => {
      times[g].fill(0);
      let sum = 0;
      for (let i = 0; i < group.length; i++) {
        const k = next() % group.length;
        times[g][k]++;
        sum += group[k];
      }
      return sum / group.length;
    });
    return { draw, times };
  }

  // The quantile of sorted values, between two of them in proportion.
  function quantile(sorted, share) {
    const at = share * (sorted.length - 1), low = Math.floor(at);
    return sorted[low] + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]);
  }

  return { mean, student, signFlips, shuffles, signTest, resampler, quantile };
})();
