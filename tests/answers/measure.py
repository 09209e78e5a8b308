"""Answers to *Measure* as students write them, each the source of a cell.

``WRONG``: question -> (source, part of the hint that it should get), ...; ``RIGHT``: question -> other right sources.
"""

WRONG = {
    1: [
        ("def mse(output, target):\n    return ((output - target) ** 2).sum()", "it is a sum"),
        ("def mse(output, target):\n    return (output - target).abs().mean()", "absolute values"),
        ("def mse(output, target):\n    return torch.sqrt(torch.mean((output - target) ** 2))", "takes a square root"),
        ("def mse(output, target):\n    return (output - target).mean() ** 2", "the mean first and then the square"),
        ("def mse(output, target):\n    return (output - target) ** 2", "a value for each pixel"),
        ("def mse(output, target):\n    return 0.5 * ((output - target) ** 2).mean().item()", "half as large"),
        (
            """
def mse(output, target):
    height, width = output.shape[-2:]
    total = ((output - target) ** 2).sum()
    return (total / (height * width)).item()
""",
            "height times width alone",
        ),
        ("def mse(output, target):\n    return (output - target).mean().item()", "where is the square?"),
        ("def mse(output, target):\n    return F.mse_loss(output, target).item()", "the very function"),
        ("def mse(output, target):\n    return torch.nn.MSELoss()(output, target).item()", "the very function"),
        ("def mse(output, target):\n    return srcnn.mse(output, target, shave=0)", "the very function"),
        (
            "def mse(output, target):\n    output -= target\n    return (output**2).mean().item()",
            "changes what it was given",
        ),
    ],
    2: [
        (
            """
def psnr(output, target, peak):
    error = mse(output, target)
    return math.inf if error == 0 else 10 * math.log(peak**2 / error)
""",
            "the natural logarithm",
        ),
        (
            """
def psnr(output, target, peak):
    error = mse(output, target)
    if error == 0:
        return -math.inf
    return 10 * math.log10(error / peak**2)
""",
            "upside down",
        ),
        (
            """
def psnr(output, target, peak):
    error = torch.tensor(mse(output, target))
    return 20 * torch.log10(peak**2 / error)
""",
            "twice as large",
        ),
        (
            """
def psnr(output, target, peak):
    rmse = torch.tensor(mse(output, target)).sqrt()
    return 10 * torch.log10(peak / rmse)
""",
            "half as large",
        ),
        (
            """
def psnr(output, target, peak):
    error = mse(output, target)
    return 10 * math.log10(peak / error) if error else math.inf
""",
            "the peak above it is not",
        ),
        (
            """
def psnr(output, target, peak=255):
    error = mse(output, target)
    return 10 * math.log10(255**2 / error) if error else math.inf
""",
            "255 as the peak",
        ),
        (
            """
def psnr(output, target, peak):
    error = mse(output, target)
    return -10 * math.log10(error) if error else math.inf
""",
            "1 as the peak",
        ),
        (
            """
def psnr(output, target, peak):
    error = mse(output, target)
    return 20 * math.log10(target.max().item() / math.sqrt(error)) if error else math.inf
""",
            "largest value in this image",
        ),
        (
            """
def psnr(output, target, peak):
    if output.ndim == 3:
        return sum(psnr(o, t, peak) for o, t in zip(output, target)) / len(output)
    error = mse(output, target)
    return 10 * math.log10(peak**2 / error) if error else math.inf
""",
            "mean of the channels' PSNRs",
        ),
        (
            """
def psnr(output, target, peak):
    error = mse(output, target)
    if error == 0:
        return 100
    return 10 * math.log10(peak**2 / error)
""",
            "identical images have no error",
        ),
        (
            """
def psnr(output, target, peak):
    return 10 * math.log10(peak**2 / (mse(output, target) + 1e-10))
""",
            "identical images have no error",
        ),
        (
            "def psnr(output, target, peak):\n    return srcnn.psnr(output, target, peak=peak, shave=0)",
            "the very function",
        ),
    ],
    3: [
        (
            "def luma(rgb):\n    r, g, b = rgb\n    return (0.299 * r + 0.587 * g + 0.114 * b)[None]",
            "full-range gray",
        ),
        (
            "def luma(rgb):\n    r, g, b = rgb\n    return (65.481 * r + 128.553 * g + 24.966 * b)[None] / 255",
            "where does the studio range begin",
        ),
        (
            "def luma(rgb):\n    r, g, b = rgb\n    return 16 / 255 + (0.299 * r + 0.587 * g + 0.114 * b).unsqueeze(0)",
            "exceeds the studio range",
        ),
        (
            """
def luma(rgb):
    weights = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    gray = (weights * rgb).sum(0, keepdim=True)
    return (16 + gray * (235 - 32)) / 255
""",
            "white is below 235/255",
        ),
        (
            "def luma(rgb):\n    r, g, b = rgb\n    return (16 + 65.481 * r + 128.553 * g + 24.966 * b)[None]",
            "in 0..255",
        ),
        (
            "def luma(rgb):\n    r, g, b = rgb\n    return (16 + (65.481 * r + 128.553 * g + 24.966 * b) / 255)[None]",
            "16 is added to values in 0..1",
        ),
        (
            "def luma(rgb):\n    r, g, b = rgb\n    return (0.2126 * r + 0.7152 * g + 0.0722 * b)[None]",
            "BT.709",
        ),
        ("def luma(rgb):\n    return rgb.mean(0, keepdim=True)", "the same weight"),
        (
            "def luma(rgb):\n    b, g, r = rgb\n    return (16 + 65.481 * r + 128.553 * g + 24.966 * b)[None] / 255",
            "blue, green, red",
        ),
        (
            """
def luma(rgb):
    r, g, b = rgb
    return torch.round(16 + 65.481 * r + 128.553 * g + 24.966 * b)[None] / 255
""",
            "rounded to bytes",
        ),
        ("def luma(rgb):\n    return srcnn.luma(rgb)", "the very function"),
        ("def luma(rgb):\n    return srcnn.rgb_to_ycbcr(rgb)[:1]", "the very function"),
    ],
    4: [
        ("def shave(image, border):\n    return image[..., border:-border, border:-border]", "-0"),
        ("def shave(image, border):\n    return image[border:-border, border:-border]", "the first two dimensions"),
        (
            """
def shave(image, border):
    if border == 0:
        return image
    return image[border:-border, border:-border]
""",
            "the first two dimensions",
        ),
        ("def shave(image, border):\n    return image[..., border:, border:]", "only at the top and on the left"),
        (
            """
def shave(image, border):
    height, width = image.shape[-2:]
    return image[..., : height - border, : width - border]
""",
            "only at the bottom and on the right",
        ),
        (
            """
def shave(image, border):
    height, width = image.shape[-2:]
    top = border // 2
    return image[..., top : top + height - border, top : top + width - border]
""",
            "half of the border",
        ),
        (
            """
def shave(image, border):
    height, width = image.shape[-2:]
    return image[..., 2 * border : height - 2 * border, 2 * border : width - 2 * border]
""",
            "twice the border",
        ),
        (
            """
def shave(image, border):
    mask = torch.zeros_like(image)
    height, width = image.shape[-2:]
    mask[..., border : height - border, border : width - border] = 1
    return image * mask
""",
            "makes the border black",
        ),
        ("def shave(image, border):\n    return image[..., border : image.shape[-2] - border, :]", "cuts only rows"),
        ("def shave(image, border):\n    return image[..., border : image.shape[-1] - border]", "cuts only columns"),
    ],
    5: [
        (
            """
def mean_psnr(outputs, targets, peak):
    errors = [mse(o, t) for o, t in zip(outputs, targets)]
    return 10 * math.log10(peak**2 / (sum(errors) / len(errors)))
""",
            "the logarithm of a mean error",
        ),
        (
            """
def mean_psnr(outputs, targets, peak):
    squares = torch.cat([(o - t).square().flatten() for o, t in zip(outputs, targets)])
    return 10 * torch.log10(peak**2 / squares.mean())
""",
            "pools the pixels",
        ),
        (
            """
def mean_psnr(outputs, targets, peak):
    roots = [mse(o, t) ** 0.5 for o, t in zip(outputs, targets)]
    return 20 * math.log10(peak / (sum(roots) / len(roots)))
""",
            "the logarithm of a mean error",
        ),
        (
            """
def mean_psnr(outputs, targets, peak):
    total = 0
    for output, target in zip(outputs, targets):
        total += psnr(output, target, peak)
    return total
""",
            "it is a sum",
        ),
        (
            """
def mean_psnr(outputs, targets, peak):
    total = 0
    for number, (output, target) in enumerate(zip(outputs, targets), 1):
        total += psnr(output, target, peak)
        return total / number
""",
            "only the first image",
        ),
        (
            """
def mean_psnr(outputs, targets, peak):
    for output, target in zip(outputs, targets):
        values = [psnr(output, target, peak)]
    return sum(values) / len(values)
""",
            "only the last image",
        ),
        (
            """
def mean_psnr(outputs, targets, peak):
    from statistics import median

    return median(psnr(o, t, peak) for o, t in zip(outputs, targets))
""",
            "the median",
        ),
        (
            """
def mean_psnr(outputs, targets, peak):
    return [psnr(o, t, peak) for o, t in zip(outputs, targets)]
""",
            "a value for each image",
        ),
        (
            """
def mean_psnr(outputs, targets, peak):
    total = sum(o.numel() * psnr(o, t, peak) for o, t in zip(outputs, targets))
    return total / sum(o.numel() for o in outputs)
""",
            "by their size",
        ),
        (
            """
def mean_psnr(outputs, targets, peak):
    return sum(psnr(o, t, 255) for o, t in zip(outputs, targets)) / len(outputs)
""",
            "255 as the peak",
        ),
        (
            """
def mean_psnr(outputs, targets, peak):
    return sum(psnr(o, t, 1) for o, t in zip(outputs, targets)) / len(outputs)
""",
            "1 as the peak",
        ),
    ],
    6: [
        (
            """
def cubic(x):
    x, a = x.abs(), -0.75
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
    return near * (x <= 1) + far * ((x > 1) & (x < 2))
""",
            "PyTorch and OpenCV",
        ),
        (
            """
def cubic(x):
    x, a = x.abs(), -1
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
    return near * (x <= 1) + far * ((x > 1) & (x < 2))
""",
            "is -1",
        ),
        (
            """
def cubic(x):
    x, a = x.abs(), 0.5
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
    return near * (x <= 1) + far * ((x > 1) & (x < 2))
""",
            "the wrong sign",
        ),
        (
            """
def cubic(x):
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return torch.where(x <= 1, near, torch.where(x < 2, far, torch.zeros_like(x)))
""",
            "a distance has no sign",
        ),
        (
            """
def cubic(x):
    x = x.abs()
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return torch.where(x <= 1, near, far)
""",
            "distance of 2",
        ),
        (
            """
def cubic(x):
    x = x.abs()
    return (1.5 * x**3 - 2.5 * x**2 + 1) * (x < 2)
""",
            "the inner polynomial everywhere",
        ),
        (
            """
def cubic(x):
    x = x.abs()
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return torch.where(x > 1, near, far) * (x < 2)
""",
            "the two polynomials are exchanged",
        ),
        (
            """
def cubic(x):
    x = x.abs()
    return torch.where(x <= 1, 1.5 * x**3 - 2.5 * x**2 + 1, torch.zeros_like(x))
""",
            "the outer polynomial is missing",
        ),
        ("def cubic(x):\n    return (1 - x.abs()).clamp(min=0)", "the kernel of linear interpolation"),
        (
            """
def cubic(x):
    x = x.abs()
    near = 2 / 3 - x**2 + x**3 / 2
    far = (2 - x) ** 3 / 6
    return torch.where(x <= 1, near, torch.where(x < 2, far, torch.zeros_like(x)))
""",
            "does not interpolate",
        ),
    ],
    7: [],
    8: [
        (
            """
def score(rgb, scale):
    high = srcnn.modcrop(srcnn.luma(rgb), scale)
    output = srcnn.quantize(srcnn.enlarge(srcnn.shrink(high, scale), scale))
    return psnr(output, high, 1)
""",
            "nothing was shaved",
        ),
        (
            """
def score(rgb, scale):
    r, g, b = rgb
    high = srcnn.quantize(0.299 * r + 0.587 * g + 0.114 * b)
    high = srcnn.modcrop(high, scale)
    output = srcnn.quantize(srcnn.enlarge(srcnn.shrink(high, scale), scale))
    return psnr(shave(output, scale), shave(high, scale), 1)
""",
            "full-range gray",
        ),
        (
            """
def score(rgb, scale):
    high = srcnn.modcrop(rgb, scale)
    output = srcnn.quantize(srcnn.enlarge(srcnn.shrink(high, scale), scale))
    return srcnn.psnr(output, high, peak=1, shave=scale)
""",
            "red, green and blue",
        ),
        (
            """
def score(rgb, scale):
    high = srcnn.modcrop(rgb, scale)
    output = srcnn.quantize(srcnn.enlarge(srcnn.shrink(high, scale), scale))
    return srcnn.psnr(srcnn.luma(output), srcnn.luma(high), peak=1, shave=scale)
""",
            "the color image was upsampled",
        ),
        (
            """
def score(rgb, scale):
    high = srcnn.modcrop(srcnn.luma(rgb), scale)
    output = srcnn.enlarge(srcnn.shrink(high, scale), scale)
    return psnr(shave(output, scale), shave(high, scale), 1)
""",
            "the output was not rounded",
        ),
        (
            """
def score(rgb, scale):
    high = srcnn.modcrop(luma(rgb), scale)
    output = srcnn.quantize(srcnn.enlarge(srcnn.shrink(high, scale), scale))
    return psnr(shave(output, scale), shave(high, scale), 1)
""",
            "the luma was not rounded",
        ),
        (
            """
def score(rgb, scale):
    high = srcnn.modcrop(srcnn.luma(rgb), scale)
    low = srcnn.quantize(srcnn.shrink(high, scale))
    output = srcnn.quantize(srcnn.enlarge(low, scale))
    return psnr(shave(output, scale), shave(high, scale), 1)
""",
            "the low-resolution image was rounded",
        ),
        (
            """
def score(rgb, scale):
    high = srcnn.modcrop(srcnn.luma(rgb), scale)
    output = srcnn.quantize(srcnn.enlarge(srcnn.shrink(high, scale), scale))
    return psnr(shave(output, scale), shave(high, scale), 255)
""",
            "the peak does not fit",
        ),
        (
            """
def score(rgb, scale):
    high = srcnn.luma(rgb)
    high = high[:, high.shape[1] % scale :, high.shape[2] % scale :]
    output = srcnn.quantize(srcnn.enlarge(srcnn.shrink(high, scale), scale))
    return psnr(shave(output, scale), shave(high, scale), 1)
""",
            "at the top and on the left",
        ),
        (
            """
def score(rgb, scale):
    high = srcnn.luma(rgb)[None]
    size = [side // scale * scale for side in high.shape[-2:]]
    high = srcnn.quantize(F.interpolate(high, size=size, mode="bicubic", antialias=True)[0])
    output = srcnn.quantize(srcnn.enlarge(srcnn.shrink(high, scale), scale))
    return psnr(shave(output, scale), shave(high, scale), 1)
""",
            "it should be cropped",
        ),
        (
            """
def score(rgb, scale):
    high = srcnn.modcrop(srcnn.luma(rgb), scale)
    low = F.interpolate(high[None], scale_factor=1 / scale, mode="bicubic", recompute_scale_factor=True)[0]
    output = srcnn.quantize(srcnn.enlarge(low, scale))
    return psnr(shave(output, scale), shave(high, scale), 1)
""",
            "without antialiasing",
        ),
        (
            """
def score(rgb, scale):
    high = srcnn.modcrop(srcnn.luma(rgb), scale)
    output = F.interpolate(srcnn.shrink(high, scale)[None], size=high.shape[-2:], mode="bicubic")[0]
    return psnr(shave(srcnn.quantize(output), scale), shave(high, scale), 1)
""",
            "another bicubic",
        ),
        (
            """
def score(rgb, scale):
    high = srcnn.modcrop(srcnn.luma(rgb), scale)
    low = F.interpolate(high[None], size=[side // scale for side in high.shape[-2:]], mode="bicubic")
    output = F.interpolate(low, size=high.shape[-2:], mode="bicubic")[0]
    return psnr(shave(srcnn.quantize(output), scale), shave(high, scale), 1)
""",
            "downsampled and upsampled by PyTorch's default",
        ),
        (
            """
def score(rgb, scale):
    high = srcnn.modcrop(srcnn.luma(rgb), scale)
    output = srcnn.quantize(srcnn.enlarge(srcnn.shrink(high, scale), scale))
    return psnr(shave(output, scale), shave(output, scale), 1)
""",
            "with its own input",
        ),
        (
            """
def score(rgb, scale):
    table = srcnn.evaluate(srcnn.enlarge, [("it", rgb)], scale=scale)
    return table["it"].psnr
""",
            "the very function",
        ),
    ],
}

_ROW = """
def enlarge_row(row, scale):
    n = len(row)
    new = []
    for i in range(n * scale):
        x = CENTER
        left = math.floor(x)
        value = 0
        for j in range(left - 1, left + 3):
            weight = cubic(torch.tensor(x - j))
            place = j
            EDGE
            value = value + weight * row[place]
        new.append(value)
    return torch.stack(new)
"""
_CENTER = "(i + 0.5) / scale - 0.5"
_MIRROR = "place = -1 - j if j < 0 else 2 * n - 1 - j if j >= n else j"


def _row(center: str = _CENTER, edge: str = _MIRROR) -> str:
    return _ROW.replace("CENTER", center).replace("EDGE", edge)


WRONG[7] = [
    (_row(center="i / scale"), "left edges of pixels"),
    (_row(center="i * (n - 1) / (n * scale - 1)"), "first and the last centers coincide"),
    (
        _row(center="(i + 0.5) / scale", edge="place = 2 * n - 1 - j if j >= n else abs(j) - (j < 0)"),
        "half an old pixel too far to the right",
    ),
    (_row(center="i / scale - 0.5"), "half a new pixel too far to the left"),
    (_row(edge="place = min(max(j, 0), n - 1)"), "the last pixel is repeated"),
    (_row(edge="place = abs(j) if j < n else 2 * n - 2 - j"), "at the center of the last pixel"),
    (_row(edge="place = j % n"), "at its other end"),
    (_row(edge="place = min(max(j, 0), n - 1); weight = weight * (0 <= j < n)"), "zeros are assumed"),
    (_row().replace("x - j", "left + 1 - x + left - j"), "left and right neighbors are exchanged"),
    (_row().replace("range(left - 1, left + 3)", "range(left, left + 4)"), "the wrong four pixels"),
    (
        """
def enlarge_row(row, scale):
    old = torch.arange(len(row))
    centers = (torch.arange(len(row) * scale) + 0.5) / scale - 0.5
    weights = cubic(centers[:, None] - old)
    return (weights / weights.sum(1, keepdim=True)) @ row
""",
        "only the pixels inside the row are used",
    ),
    ("def enlarge_row(row, scale):\n    return row.repeat_interleave(scale)", "the nearest pixel"),
    (_row().replace("cubic(torch.tensor(x - j))", "torch.tensor(max(0.0, 1 - abs(x - j)))"), "linearly between two"),
    (
        """
def enlarge_row(row, scale):
    def kernel(x, a=-0.75):
        x = x.abs()
        near = (a + 2) * x**3 - (a + 3) * x**2 + 1
        far = a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
        return near * (x <= 1) + far * ((x > 1) & (x < 2))

    long = torch.cat([row.flip(0), row, row.flip(0)])
    centers = (torch.arange(len(row) * scale) + 0.5) / scale - 0.5 + len(row)
    return kernel(centers[:, None] - torch.arange(len(long))) @ long
""",
        "the parameter of PyTorch",
    ),
    (
        """
def enlarge_row(row, scale):
    n = len(row)
    old = torch.arange(-2 * n, 3 * n)
    long = torch.cat([row, row.flip(0), row, row.flip(0), row])
    centers = (torch.arange(n * scale) + 0.5) / scale - 0.5
    return cubic((centers[:, None] - old) / scale) @ long / scale
""",
        "the kernel is stretched",
    ),
    (
        """
def enlarge_row(row, scale):
    return F.interpolate(row[None, None, None], size=(1, len(row) * scale), mode="bicubic")[0, 0, 0]
""",
        "the very function",
    ),
    ("def enlarge_row(row, scale):\n    return srcnn.enlarge(row[None], scale)[0]", "the very function"),
]  # fmt: skip

RIGHT = {
    1: [
        "def mse(output, target):\n    return torch.mean((output - target) ** 2)",
        """
def mse(output, target):
    difference = (output - target).flatten().double()
    return torch.dot(difference, difference) / len(difference)
""",
        """
def mse(output, target):
    import numpy as np

    return np.mean((output.numpy().astype(float) - target.numpy()) ** 2)
""",
        """
def mse(output, target):
    total = 0.0
    for a, b in zip(output.flatten().tolist(), target.flatten().tolist()):
        total += (a - b) ** 2
    return total / output.numel()
""",
    ],
    2: [
        "def psnr(output, target, peak):\n    return 10 * torch.log10(peak**2 / (output - target).square().mean())",
        """
def psnr(output, target, peak):
    if torch.equal(output, target):
        return float("inf")
    return 20 * math.log10(peak) - 10 * math.log10(((output - target) ** 2).mean())
""",
        """
def psnr(output, target, peak):
    error = srcnn.mse(output, target, shave=0)
    return 20 * math.log10(peak / math.sqrt(error)) if error > 0 else math.inf
""",
    ],
    3: [
        """
def luma(rgb):
    weights = torch.tensor([0.299, 0.587, 0.114], dtype=rgb.dtype).view(3, 1, 1)
    return 16 / 255 + 219 / 255 * (weights * rgb).sum(0, keepdim=True)
""",
        """
def luma(rgb):
    weights = torch.tensor([[65.481, 128.553, 24.966]]).to(rgb)
    return (16 + (weights @ rgb.flatten(1)).view(1, *rgb.shape[1:])) / 255
""",
        """
def luma(rgb):
    bytes_ = 255 * rgb
    return (16 + (65.738 * bytes_[0:1] + 129.057 * bytes_[1:2] + 25.064 * bytes_[2:3]) / 256) / 255
""",
    ],
    4: [
        "def shave(image, border):\n    return image[..., border:-border, border:-border] if border else image",
        "def shave(image, border):\n    return F.pad(image, (-border, -border, -border, -border))",
        """
def shave(image, border):
    for dim in (-2, -1):
        image = image.narrow(dim, border, image.shape[dim] - 2 * border)
    return image.clone()
""",
        """
def shave(image, border):
    end = -border or None
    return image[..., border:end, border:end]
""",
    ],
    5: [
        """
def mean_psnr(outputs, targets, peak):
    return torch.tensor([psnr(o, t, peak) for o, t in zip(outputs, targets)]).mean()
""",
        """
def mean_psnr(outputs, targets, peak):
    total = 0
    for i in range(len(outputs)):
        total += srcnn.psnr(outputs[i], targets[i], peak=peak, shave=0)
    return total / len(outputs)
""",
        """
def mean_psnr(outputs, targets, peak):
    product = 1.0
    for o, t in zip(outputs, targets):
        product *= mse(o, t)
    return 10 * math.log10(peak**2 / product ** (1 / len(outputs)))
""",
    ],
    6: [
        """
def cubic(x):
    a = -0.5
    x = abs(x)
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
    return near * (x <= 1) + far * ((x > 1) & (x <= 2))
""",
        """
def cubic(x):
    def one(d):
        d = abs(d)
        if d <= 1:
            return (1.5 * d - 2.5) * d * d + 1
        return ((-0.5 * d + 2.5) * d - 4) * d + 2 if d < 2 else 0.0

    return torch.tensor([one(d) for d in x.flatten().tolist()]).view(x.shape)
""",
        """
def cubic(x):
    weights = torch.zeros_like(x)
    d = x.abs()
    near, far = d < 1, (d >= 1) & (d < 2)
    weights[near] = 1.5 * d[near] ** 3 - 2.5 * d[near] ** 2 + 1
    weights[far] = (d[far] - 1) * (d[far] - 2) ** 2 * -0.5
    return weights
""",
    ],
    7: [
        _row(),
        """
def enlarge_row(row, scale):
    long = torch.cat([row.flip(0), row, row.flip(0)])
    centers = (torch.arange(len(row) * scale) + 0.5) / scale - 0.5 + len(row)
    return cubic(centers[:, None] - torch.arange(len(long))) @ long
""",
        """
def enlarge_row(row, scale):
    padded = torch.cat([row[:2].flip(0), row, row[-2:].flip(0)])
    four = padded.unfold(0, 4, 1)
    phases = (torch.arange(scale) + 0.5) / scale - 0.5
    new = torch.empty(len(row), scale)
    for p, shift in enumerate(phases):
        near = torch.arange(-2, 2) if shift < 0 else torch.arange(-1, 3)
        begin = 0 if shift < 0 else 1
        new[:, p] = (four[begin : begin + len(row)] * cubic(shift - near)).sum(1)
    return new.flatten()
""",
    ],
    8: [
        """
def score(rgb, scale):
    high = srcnn.luma(srcnn.modcrop(rgb, scale))
    output = srcnn.enlarge(srcnn.shrink(high, scale), scale).clamp(0, 1)
    output = (255 * output).round() / 255
    return srcnn.psnr(output, high, peak=1, shave=scale)
""",
        """
def score(rgb, scale):
    high = srcnn.quantize(luma(rgb.double()))
    rows, columns = (side - side % scale for side in high.shape[-2:])
    high = high[:, :rows, :columns]
    output = srcnn.quantize(srcnn.enlarge(srcnn.shrink(high, scale), scale))
    return psnr(255 * shave(output, scale), 255 * shave(high, scale), 255)
""",
    ],
}
