// SRCNN's arithmetic for a page: forward, backward, bicubic resampling, and the steps of Adam and SOAP.
//
// `make live` compiles this file to WebAssembly with SIMD, once with relaxed instructions (fused multiply-add) and once
// without; engine.js chooses and calls it. Activations lie pixel by pixel, (height, width, channels), so that four
// channels are one vector. Filters are kept twice: as PyTorch has them, (out, in, k, k), for the optimizers, and as
// (k, k, in, out) for the convolutions. Nothing here allocates but alloc(); no C library is linked.

typedef float v4 __attribute__((vector_size(16), aligned(4)));
#define EXPORT(name) __attribute__((export_name(#name))) name
#define EACH(i, n) for (int i = 0; i < (n); i++)

static inline v4 all(float x) { return (v4){x, x, x, x}; }
static inline float sum(v4 x) { return (x[0] + x[1]) + (x[2] + x[3]); }
static inline v4 fma4(v4 a, v4 b, v4 c) {
#ifdef __wasm_relaxed_simd__
  return __builtin_wasm_relaxed_madd_f32x4(a, b, c);
#else
  return a * b + c;
#endif
}
static inline float root(float x) { return __builtin_sqrtf(x); }
static inline double root64(double x) { return __builtin_sqrt(x); }

// Memory ------------------------------------------------------------------------------------------------------------

extern unsigned char __heap_base;
static unsigned long top;

// `count` floats, aligned for vectors; 0 if there is no more memory. release() takes back all since the mark.
float* EXPORT(alloc)(unsigned long count) {
  if (!top) top = ((unsigned long)&__heap_base + 15) & ~15ul;
  unsigned long at = top, end = top + ((4 * count + 15) & ~15ul);
  unsigned long size = __builtin_wasm_memory_size(0) * 65536ul;
  if (end > size && __builtin_wasm_memory_grow(0, (end - size + 65535) / 65536) == -1ul) return 0;
  top = end;
  return (float*)at;
}
unsigned long EXPORT(mark)(void) { return alloc(0), top; }
void EXPORT(release)(unsigned long at) { top = at; }
static void zero(float* x, int n) { EACH(i, n) x[i] = 0; }

// Layouts -----------------------------------------------------------------------------------------------------------

// (out, in, k, k) to (k, k, in, out), and back.
void EXPORT(pack)(const float* w, int out, int in, int taps, float* packed) {
  EACH(o, out) EACH(i, in) EACH(t, taps) packed[(t * in + i) * out + o] = w[(o * in + i) * taps + t];
}
void EXPORT(unpack)(const float* packed, int out, int in, int taps, float* w) {
  EACH(o, out) EACH(i, in) EACH(t, taps) w[(o * in + i) * taps + t] = packed[(t * in + i) * out + o];
}

// (h, w, c) with the border repeated, `top`, `bottom` and `side` pixels of it.
void EXPORT(pad)(const float* x, int h, int w, int c, int above, int below, int side, float* y) {
  for (int r = -above; r < h + below; r++) {
    const float* row = x + (long)(r < 0 ? 0 : r >= h ? h - 1 : r) * w * c;
    for (int q = -side; q < w + side; q++) {
      const float* from = row + (q < 0 ? 0 : q >= w ? w - 1 : q) * c;
      EACH(k, c) *y++ = from[k];
    }
  }
}

// Convolutions without padding: (h, w, in) to (h - k + 1, w - k + 1, out) ------------------------------------------------

// P pixels of a row and V vectors of filters at once, in registers.
#define TILE(P, V)                                                                                                     \
  static void tile_##P##_##V(const float* x, long row, int k, int in, int out, const float* w, const float* bias,      \
                             int relu, float* y) {                                                                     \
    v4 a[P][V];                                                                                                        \
    EACH(p, P) EACH(v, V) a[p][v] = bias ? *(const v4*)(bias + 4 * v) : all(0);                                        \
    EACH(i, k) {                                                                                                       \
      const float* from = x + i * row;                                                                                 \
      EACH(t, k * in) {                                                                                                \
        v4 f[V];                                                                                                       \
        EACH(v, V) f[v] = *(const v4*)(w + 4 * v);                                                                     \
        EACH(p, P) EACH(v, V) a[p][v] = fma4(all(from[t + p * in]), f[v], a[p][v]);                                    \
        w += out;                                                                                                      \
      }                                                                                                                \
    }                                                                                                                  \
    EACH(p, P) EACH(v, V) {                                                                                            \
      v4 r = a[p][v];                                                                                                  \
      *(v4*)(y + p * out + 4 * v) = relu ? __builtin_wasm_pmax_f32x4(r, all(0)) : r; /* NaN stays NaN */               \
    }                                                                                                                  \
  }
TILE(4, 2)
TILE(1, 2)

// out = 1: the vectors run over the input's channels.
static void single(const float* x, int h, int w, int in, int k, const float* f, float bias, float* y) {
  EACH(r, h - k + 1) EACH(q, w - k + 1) {
    v4 a[4] = {all(0), all(0), all(0), all(0)};
    EACH(i, k) {
      const float *from = x + ((long)(r + i) * w + q) * in, *g = f + i * k * in;
      int n = k * in, t = 0;
      for (; t + 16 <= n; t += 16) EACH(v, 4) {
        a[v] = fma4(*(const v4*)(from + t + 4 * v), *(const v4*)(g + t + 4 * v), a[v]);
      }
      for (; t < n; t++) a[0][0] += from[t] * g[t];
    }
    *y++ = bias + sum((a[0] + a[1]) + (a[2] + a[3]));
  }
}

// `out` is 1 or a multiple of 8; `bias` may be 0, for none.
void EXPORT(conv)(const float* x, int h, int w, int in, int k, int out, const float* f, const float* bias, int relu,
                  float* y) {
  if (out == 1) return single(x, h, w, in, k, f, bias ? *bias : 0, y);
  int across = w - k + 1;
  EACH(r, h - k + 1) {
    const float* row = x + (long)r * w * in;
    for (int o = 0; o < out; o += 8) {
      const float* b = bias ? bias + o : 0;
      int q = 0;
      for (; q + 4 <= across; q += 4) tile_4_2(row + q * in, (long)w * in, k, in, out, f + o, b, relu, y + q * out + o);
      for (; q < across; q++) tile_1_2(row + q * in, (long)w * in, k, in, out, f + o, b, relu, y + q * out + o);
    }
    y += (long)across * out;
  }
}

// The gradient of a layer's filters and biases, added to `gf` (k, k, in, out) and `gb`: of P taps and 8 filters at once.
#define GRADIENT(P)                                                                                                    \
  static void gradient_##P(const float* x, int w, int in, int out, const float* g, int tall, int wide, float* gf) {    \
    v4 a[P][2];                                                                                                        \
    EACH(p, P) EACH(v, 2) a[p][v] = all(0);                                                                            \
    EACH(r, tall) {                                                                                                    \
      const float *from = x + (long)r * w * in, *to = g + (long)r * wide * out;                                        \
      EACH(q, wide) {                                                                                                  \
        v4 d0 = *(const v4*)to, d1 = *(const v4*)(to + 4);                                                             \
        EACH(p, P) {                                                                                                   \
          v4 s = all(from[p]);                                                                                         \
          a[p][0] = fma4(s, d0, a[p][0]);                                                                              \
          a[p][1] = fma4(s, d1, a[p][1]);                                                                              \
        }                                                                                                              \
        from += in;                                                                                                    \
        to += out;                                                                                                     \
      }                                                                                                                \
    }                                                                                                                  \
    EACH(p, P) EACH(v, 2) *(v4*)(gf + p * out + 4 * v) += a[p][v];                                                     \
  }
GRADIENT(5)
GRADIENT(4)
GRADIENT(1)

void EXPORT(gradients)(const float* x, int h, int w, int in, int k, int out, const float* g, float* gf, float* gb) {
  int tall = h - k + 1, wide = w - k + 1;
  EACH(q, tall * wide) EACH(o, out) gb[o] += g[(long)q * out + o];
  if (out == 1) {
    EACH(i, k) EACH(t, k * in / 4) {  // four inputs' channels of a tap
      v4 a = all(0);
      EACH(r, tall) EACH(q, wide) {
        a = fma4(*(const v4*)(x + ((long)(r + i) * w + q) * in + 4 * t), all(g[r * wide + q]), a);
      }
      *(v4*)(gf + i * k * in + 4 * t) += a;
    }
    return;
  }
  for (int o = 0; o < out; o += 8) EACH(i, k) {
    int n = k * in, t = 0;
    const float* from = x + (long)i * w * in;
    float* to = gf + (long)i * n * out + o;
    // neighboring taps are neighboring numbers of a row
    for (; t + 5 <= n; t += 5) gradient_5(from + t, w, in, out, g + o, tall, wide, to + t * out);
    for (; t + 4 <= n; t += 4) gradient_4(from + t, w, in, out, g + o, tall, wide, to + t * out);
    for (; t < n; t++) gradient_1(from + t, w, in, out, g + o, tall, wide, to + t * out);
  }
}

// What reaches a layer's input of its output's gradient, zero where the input was (a ReLU stands before the layer).
// `flipped` has the filters as (k, k, out, in), turned by 180 degrees; `padded` is room for the padded gradient.
void EXPORT(backward)(const float* g, int tall, int wide, int in, int k, int out, const float* flipped,
                      const float* x, float* padded, float* gx) {
  int side = k - 1, w = wide + 2 * side, h = tall + 2 * side;
  zero(padded, h * w * out);
  EACH(r, tall) EACH(t, wide * out) padded[((long)(r + side) * w + side) * out + t] = g[(long)r * wide * out + t];
  conv(padded, h, w, out, k, in, flipped, 0, 0, gx);
  long n = (long)(tall + side) * (wide + side) * in;
  for (long t = 0; t < n; t++) gx[t] = x[t] > 0 ? gx[t] : 0;
}
void EXPORT(flip)(const float* w, int out, int in, int taps, float* flipped) {
  EACH(o, out) EACH(i, in) EACH(t, taps) flipped[((taps - 1 - t) * out + o) * in + i] = w[(o * in + i) * taps + t];
}

// The mean squared error of n outputs, and its gradient times `share` in `g`.
float EXPORT(mse)(const float* output, const float* target, int n, float share, float* g) {
  double total = 0;
  EACH(i, n) {
    float d = output[i] - target[i];
    total += (double)d * d;
    g[i] = 2 * d * share / n;
  }
  return total / n;
}

// Bicubic interpolation ------------------------------------------------------------------------------------------------

static double keys(double t) {
  t = t < 0 ? -t : t;
  return t >= 2 ? 0 : t < 1 ? (1.5 * t - 2.5) * t * t + 1 : ((-0.5 * t + 2.5) * t - 4) * t + 2;
}

// The taps of a line: for each of `to` samples their number, first the places, then the weights. Keys' kernel (a = -0.5)
// is widened by the scale where the line gets shorter; beyond the border the line is mirrored, its last pixel twice.
int EXPORT(taps)(int from, int to, int* place, float* weight) {
  double scale = (double)from / to, wide = scale > 1 ? scale : 1;
  int count = 2 * (int)__builtin_ceil(2 * wide);
  EACH(i, to) {
    double center = (i + 0.5) * scale, all_of_them = 0;
    int first = (int)__builtin_floor(center - 0.5) - count / 2 + 1;
    EACH(k, count) all_of_them += keys((first + k + 0.5 - center) / wide);
    EACH(k, count) {
      int at = (first + k) % (2 * from);
      at = at < 0 ? at + 2 * from : at;
      place[i * count + k] = at < from ? at : 2 * from - 1 - at;
      weight[i * count + k] = keys((first + k + 0.5 - center) / wide) / all_of_them;
    }
  }
  return count;
}

// (any, w) to (height, width) by the taps of rows and columns; `between` is room for (height, w).
void EXPORT(resample)(const float* x, int w, int height, int width, const int* down, const float* down_weight,
                      int down_count, const int* across, const float* across_weight, int across_count,
                      float* between, float* y) {
  EACH(r, height) {
    float* row = between + (long)r * w;
    zero(row, w);
    EACH(k, down_count) {
      float s = down_weight[r * down_count + k];
      const float* from = x + (long)down[r * down_count + k] * w;
      EACH(q, w) row[q] += s * from[q];
    }
    EACH(q, width) {
      float s = 0;
      EACH(k, across_count) s += across_weight[q * across_count + k] * row[across[q * across_count + k]];
      y[(long)r * width + q] = s;
    }
  }
}

// Optimizers -----------------------------------------------------------------------------------------------------------

// Adam with PyTorch's defaults: betas 0.9 and 0.999, epsilon 1e-8. `step` counts from 1.
void EXPORT(adam)(float* w, const float* g, float* m, float* v, int n, double rate, int step) {
  double a = 1, b = 1;
  EACH(i, step) a *= 0.9, b *= 0.999;
  double size = rate / (1 - a), bias = root64(1 - b);
  EACH(i, n) {
    m[i] += (g[i] - m[i]) * 0.1f;
    v[i] = v[i] * 0.999f + g[i] * g[i] * 0.001f;
    w[i] -= (float)(size * m[i] / (root(v[i]) / bias + 1e-8));
  }
}

// A symmetric n x n matrix's eigenvectors as the columns of q, the largest eigenvalue first, by Jacobi's rotations.
static void eigenvectors(const float* matrix, int n, double* a, double* u, float* q) {
  EACH(i, n * n) a[i] = matrix[i], u[i] = i % (n + 1) == 0;
  EACH(sweep, 30) {
    double off = 0, on = 0;
    EACH(i, n) EACH(j, n) (i == j ? (on += a[i * n + i] * a[i * n + i]) : (off += a[i * n + j] * a[i * n + j]));
    if (off <= 1e-28 * on) break;
    EACH(i, n) for (int j = i + 1; j < n; j++) {
      double x = a[i * n + j];
      if (x == 0) continue;
      double tau = (a[j * n + j] - a[i * n + i]) / (2 * x), sign = tau < 0 ? -1 : 1;
      double t = sign / (sign * tau + root64(1 + tau * tau)), c = 1 / root64(1 + t * t), s = c * t;
      EACH(k, n) {
        double left = a[k * n + i], right = a[k * n + j];
        a[k * n + i] = c * left - s * right, a[k * n + j] = s * left + c * right;
      }
      EACH(k, n) {
        double left = a[i * n + k], right = a[j * n + k];
        a[i * n + k] = c * left - s * right, a[j * n + k] = s * left + c * right;
        left = u[k * n + i], right = u[k * n + j];
        u[k * n + i] = c * left - s * right, u[k * n + j] = s * left + c * right;
      }
    }
  }
  EACH(place, n) {
    int best = 0;
    EACH(j, n) if (a[j * n + j] > a[best * n + best]) best = j;
    EACH(k, n) q[k * n + place] = u[k * n + best];
    a[best * n + best] = -1e300;
  }
}

// The orthonormal factor of an n x n matrix, by Householder's reflections; `a` is overwritten.
static void orthonormal(double* a, int n, double* q) {
  EACH(i, n * n) q[i] = i % (n + 1) == 0;
  double length[512], *diagonal = length;
  EACH(j, n) {
    double norm = 0;
    for (int i = j; i < n; i++) norm += a[i * n + j] * a[i * n + j];
    norm = root64(norm);
    diagonal[j] = 0;
    if (norm == 0) continue;
    double head = a[j * n + j] > 0 ? a[j * n + j] + norm : a[j * n + j] - norm, scale = head * head;
    for (int i = j + 1; i < n; i++) scale += a[i * n + j] * a[i * n + j];
    a[j * n + j] = head;
    diagonal[j] = 2 / scale;
    for (int k = j + 1; k < n; k++) {
      double dot = 0;
      for (int i = j; i < n; i++) dot += a[i * n + j] * a[i * n + k];
      for (int i = j; i < n; i++) a[i * n + k] -= diagonal[j] * dot * a[i * n + j];
    }
  }
  for (int j = n - 1; j >= 0; j--) EACH(k, n) {
    double dot = 0;
    for (int i = j; i < n; i++) dot += a[i * n + j] * q[i * n + k];
    for (int i = j; i < n; i++) q[i * n + k] -= diagonal[j] * dot * a[i * n + j];
  }
}

// One axis of a tensor (before, n, after) into the basis q (n, n), or back, which takes the transposed basis.
static void rotate(const float* x, int before, int n, int after, const float* q, int back, float* y) {
  int row = back ? 1 : n, column = back ? n : 1;
  EACH(b, before) {
    const float* from = x + (long)b * n * after;
    float* to = y + (long)b * n * after;
    zero(to, n * after);
    if (after == 1 && back) {
      EACH(j, n) EACH(i, n) to[j] += q[j * n + i] * from[i];
    } else if (after == 1) {
      EACH(i, n) EACH(j, n) to[j] += q[i * n + j] * from[i];
    } else {
      EACH(j, n) EACH(i, n) {
        float s = q[i * row + j * column];
        EACH(t, after) to[j * after + t] += s * from[i * after + t];
      }
    }
  }
}

// The products of a tensor's slices along one axis with each other, (n, n).
static void products(const float* x, int before, int n, int after, float* f) {
  zero(f, n * n);
  EACH(b, before) {
    const float* from = x + (long)b * n * after;
    EACH(i, n) {
      if (after == 1) {
        EACH(j, n) f[i * n + j] += from[i] * from[j];
      } else {
        EACH(j, n) {
          float s = 0;
          EACH(t, after) s += from[i * after + t] * from[j * after + t];
          f[i * n + j] += s;
        }
      }
    }
  }
}

// All axes of (out, in, k, k), from `x` into `y`; axes of length 1 have nothing to rotate, and without bases none has.
static void project(const float* x, const int* shape, float* const* q, int back, float* room, float* y) {
  int n = shape[0] * shape[1] * shape[2] * shape[3], before = 1;
  EACH(i, n) y[i] = x[i];
  EACH(axis, 4) {
    if (q && shape[axis] > 1) {
      rotate(y, before, shape[axis], n / before / shape[axis], q[axis], back, room);
      EACH(i, n) y[i] = room[i];
    }
    before *= shape[axis];
  }
}

// SOAP as pytorch_optimizer has it, betas 0.95, one factor for each axis, its basis refreshed every 10 steps. A state of
// one tensor (out, in, k, k) with n values: m (n), v (n), and for each axis the factor and its basis; biases have none
// (`rotated` is 0). `step` counts from 0; the first one only looks. `room` has 4 times as many floats as
// the tensor, or as the largest factor if that is larger, and 3 doubles for each entry of the largest factor.
void EXPORT(soap)(float* w, const float* g, const int* shape, int rotated, float* state, double rate, int step,
                  float* room) {
  int n = shape[0] * shape[1] * shape[2] * shape[3], before, most = 1;
  float *m = state, *v = m + n, *factor[4], *basis[4], *at = v + n, **axes = rotated ? basis : 0;
  EACH(axis, 4) {
    int square = rotated ? shape[axis] * shape[axis] : 0;
    factor[axis] = at, basis[axis] = at + square, at += 2 * square;
    most = square > most ? square : most;
  }
  int size = n > most ? n : most;
  float *one = room, *two = one + size, *three = two + size, *four = three + size;
  double* wide = (double*)(((unsigned long)(four + size) + 7) & ~7ul);
  if (step) {
    double b = 1;
    EACH(i, step) b *= 0.95;
    float scale = rate * root64(1 - b) / (1 - b);
    project(g, shape, axes, 0, four, one);
    EACH(i, n) m[i] += (g[i] - m[i]) * 0.05f, v[i] += (one[i] * one[i] - v[i]) * 0.05f;
    project(m, shape, axes, 0, four, two);
    EACH(i, n) two[i] /= root(v[i]) + 1e-8f;
    project(two, shape, axes, 1, four, three);
    EACH(i, n) w[i] -= scale * three[i];
  } else {
    zero(state, at - state);
  }
  if (!rotated) return;
  before = 1;
  EACH(axis, 4) {
    int d = shape[axis], after = n / before / d;
    if (d > 1) {
      float* f = factor[axis];
      products(g, before, d, after, two);
      EACH(i, d * d) f[i] += (two[i] - f[i]) * 0.05f;
      if (!step) eigenvectors(f, d, wide, wide + most, basis[axis]);
    }
    before *= d;
  }
  if (!step || step % 10) return;
  before = 1;
  EACH(axis, 4) {  // one round of power iteration, the largest estimate first
    int d = shape[axis], after = n / before / d, order[512];
    if (d > 1) {
      float *f = factor[axis], *q = basis[axis];
      double *product = wide, *sorted = wide + most, *made = wide + 2 * most, estimate[512];
      EACH(j, d) {
        estimate[j] = 0;
        EACH(i, d) {
          double s = 0;
          EACH(k, d) s += (double)f[i * d + k] * q[k * d + j];
          product[i * d + j] = s;
          estimate[j] += s * q[i * d + j];
        }
      }
      EACH(place, d) {
        int best = 0;
        EACH(j, d) if (estimate[j] > estimate[best]) best = j;
        order[place] = best;
        estimate[best] = -1e300;
        EACH(i, d) sorted[i * d + place] = product[i * d + best];
      }
      orthonormal(sorted, d, made);
      EACH(i, d * d) q[i] = made[i];
      EACH(b, before) EACH(j, d) EACH(t, after) one[((long)b * d + j) * after + t] = v[((long)b * d + order[j]) * after + t];
      EACH(i, n) v[i] = one[i];
    }
    before *= d;
  }
}

// The average of the weights that is kept: it moves by `share` towards them.
void EXPORT(average)(float* mean, const float* w, int n, float share) { EACH(i, n) mean[i] += share * (w[i] - mean[i]); }
