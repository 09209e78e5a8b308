"""Answers to *Train and report* as students write them, each the source of a cell.

``WRONG``: question -> (source, part of the hint that it should get), ...; ``RIGHT``: question -> other right sources.
"""

_SUM = """
def parameters(kernels, widths, channels):
    sizes = [channels, *widths, channels]
    return sum({each} for f, n, m in zip(kernels, sizes, sizes[1:]))
"""

_CUT = """
def cut_pair(image, scale, border):
    high = {high}
    low = {low}
    height, width = high.shape[-2:]
    return {give}
"""
_HIGH = "srcnn.modcrop(image, scale)"
_LOW = "srcnn.enlarge(srcnn.shrink(high, scale), scale)"
_GIVE = "low, high[:, border : height - border, border : width - border]"

_RATE = """
def learning_rate(step, steps, peak):
    warm_up = {warm_up}
    return peak * warm_up * {cosine}
"""
_WARM_UP = "min(1, (step + 1) / 20)"
_COSINE = "(1 + math.cos(math.pi * step / steps)) / 2"

_STEP = """
def sgd_step(weights, gradients, velocities, rate):
    v = {{name: {velocity} for name in weights}}
    w = {{}}
    for name in weights:
        slow = {slow}
        w[name] = weights[name] {sign} rate * (0.1 if slow else 1) * {follow}
    return {give}
"""
_STEP_PARTS = {
    "velocity": "0.9 * velocities[name] + gradients[name]",
    "slow": "'reconstruction' in name or 'bias' in name",
    "sign": "-",
    "follow": "v[name]",
    "give": "w, v",
}

_GAIN = """
def gain(outputs, enlarged, targets, shave):
    def value(picture, target):
        {prepare}
        n = shave
        error = {error}
        return {decibel}

    after = [value(o, t) for o, t in zip(outputs, targets)]
    before = [value(e, t) for e, t in zip(enlarged, targets)]
    return {give}
"""
_GAIN_PARTS = {
    "prepare": "picture = srcnn.quantize(picture)",
    "error": "(picture - target)[..., n:-n, n:-n].double().square().mean()",
    "decibel": "-10 * error.log10()",
    "give": "(sum(after) - sum(before)) / len(after)",
}

_TRAIN = """
def train(photographs, squares):
    batch = {batch}
    config = recipes.with_changes("fast", batch=batch, steps={steps}{settings})
    learner = training.Learner(training.make_model(config), config)
    batches = pairs.RandomCrops(photographs, scale=3, size=33, batch=batch, border=learner.model.border,
                                enlarged=True, seed=1)
    for _ in training.train(learner, batches):
        pass
    return {give}
"""
_TRAIN_PARTS = {"batch": 16, "steps": "squares // batch", "settings": "", "give": "learner.final.state_dict()"}

_LOOP = """
def train(photographs, squares):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 64, 9), torch.nn.ReLU(), torch.nn.Conv2d(64, 32, 1),
                                torch.nn.ReLU(), torch.nn.Conv2d(32, 1, 5))
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    ready = [cut_pair(p, 3, 6) for p in photographs]
    for step in range(squares // 16):
        low, high = [], []
        for _ in range(16):
            x, y = ready[torch.randint(len(ready), ()).item()]
            r, c = (torch.randint(n - 20, ()).item() for n in y.shape[1:])
            low.append(x[:, r : r + 33, c : c + 33])
            high.append({target})
        loss = F.mse_loss(model(torch.stack(low)), torch.stack(high))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    names = srcnn.SRCNN().state_dict()
    return dict(zip(names, model.state_dict().values()))
"""


def _sum(each: str) -> str:
    return _SUM.format(each=each)


def _reach(border: str, field: str) -> str:
    return f"""
def reach(kernels):
    border = {border}
    return {field}
"""


def _cut(high: str = _HIGH, low: str = _LOW, give: str = _GIVE) -> str:
    return _CUT.format(high=high, low=low, give=give)


def _rate(warm_up: str = _WARM_UP, cosine: str = _COSINE) -> str:
    return _RATE.format(warm_up=warm_up, cosine=cosine)


def _step(**parts: str) -> str:
    return _STEP.format(**_STEP_PARTS | parts)


def _gain(**parts: str) -> str:
    return _GAIN.format(**_GAIN_PARTS | parts)


def _train(**parts: object) -> str:
    return _TRAIN.format(**_TRAIN_PARTS | parts)


WRONG = {
    1: [
        (_sum("f * f * n * m"), "biases are missing"),
        (_sum("f * n * m + m"), "how many positions does it have"),
        (_sum("f * f * m + m"), "counted with one channel"),
        (_sum("(f * f + 1) * n * m"), "one bias for each filter"),
        (
            """
def parameters(kernels, widths, channels):
    numbers, before = 0, 1
    for f, n in zip(kernels, (*widths, 1)):
        numbers += f * f * before * n + n
        before = n
    return numbers
""",
            "number of image channels is taken to be one",
        ),
        (
            """
def parameters(kernels, widths, channels):
    sizes = [channels, *widths, channels]
    weights = sum(f * f * n * m for f, n, m in zip(kernels, sizes, sizes[1:]))
    return weights + sum(widths)
""",
            "biases of the last layer are missing",
        ),
    ],
    2: [
        (_reach("sum(f - 1 for f in kernels)", "border, border + 1"), "how much is lost on each side"),
        (_reach("sum(f // 2 for f in kernels)", "border, 2 * border"), "pixel in the middle"),
        (_reach("sum(f // 2 for f in kernels)", "border, sum(kernels)"), "simply added up"),
        (_reach("sum(f // 2 for f in kernels)", "border, max(kernels)"), "only the largest filter"),
        (_reach("sum(kernels) // 2", "border, sum(kernels) - len(kernels) + 1"), "a filter of side 1 takes nothing"),
        (_reach("sum(f // 2 for f in kernels)", "2 * border + 1, border"), "exchanged"),
    ],
    3: [
        (_cut(give="low, high"), "as large as the input"),
        (_cut(give="low, high[:, : height - 2 * border, : width - 2 * border]"), "upper left corner"),
        (_cut(give="high[:, border : height - border, border : width - border], low"), "exchanged"),
        (_cut(low="srcnn.shrink(high, scale)"), "has not been upsampled"),
        (
            _cut(
                high="F.interpolate(image[None], srcnn.modcrop(image, scale).shape[1:], mode='bicubic', "
                "antialias=True)[0]"
            ),
            "resized to make its sides divisible",
        ),
        (
            _cut(
                low="F.interpolate(F.interpolate(high[None], scale_factor=1 / scale, mode='bicubic'), "
                "scale_factor=scale, mode='bicubic')[0]"
            ),
            "without antialiasing",
        ),
        (_cut(high="image[:, image.shape[1] % scale :, image.shape[2] % scale :]"), "at the top and on the left"),
        (
            """
def cut_pair(image, scale, border):
    high = image[:, border:-border, border:-border]
    high = srcnn.modcrop(high, scale)
    return srcnn.enlarge(srcnn.shrink(high, scale), scale), high
""",
            "before the image is downsampled",
        ),
        (
            """
def cut_pair(image, scale, border):
    low, high = pairs.pair(image, scale, enlarged=True)
    return low, high[:, border:-border, border:-border]
""",
            "the very function that is asked for",
        ),
    ],
    4: [
        (_rate(warm_up="1"), "warm-up is missing"),
        (_rate(warm_up="min(1, step / 20)"), "changes nothing"),
        (_rate(cosine="1"), "the cosine is missing"),
        (_rate(cosine="(1 + math.cos(2 * math.pi * step / steps)) / 2"), "down and up again"),
        (_rate(cosine="math.cos(math.pi * step / steps)"), "falls below zero"),
        (_rate(cosine="(1 - step / steps)"), "falls linearly"),
        (_rate(cosine="(1 + math.cos(180 * step / steps)) / 2"), "needs radians"),
        (_rate(cosine="(1 + math.cos(math.pi * (step + 1) / steps)) / 2"), "one step ahead"),
        (
            """
def learning_rate(step, steps, peak):
    if step < 20:
        return peak * (step + 1) / 20
    return peak * (1 + math.cos(math.pi * (step - 20) / (steps - 20))) / 2
""",
            "waits until the warm-up has ended",
        ),
    ],
    5: [
        (_step(sign="+"), "parameters follow the gradient"),
        (_step(slow="False"), "all parameters have the same rate"),
        (_step(slow="'reconstruction' in name"), "biases of the other layers do not"),
        (_step(slow="'bias' in name"), "filters of the last layer do not"),
        (_step(velocity="gradients[name]"), "no momentum"),
        (_step(velocity="0.9 * velocities[name] + 0.1 * gradients[name]"), "only a tenth of the gradient"),
        (_step(follow="velocities[name]"), "uses the old velocity"),
        (_step(follow="(gradients[name] + 0.9 * v[name])"), "Nesterov"),
        (_step(give="w"), "return the velocities too"),
        (
            """
def sgd_step(weights, gradients, velocities, rate):
    for name in weights:
        velocities[name] *= 0.9
        velocities[name] += gradients[name]
        slow = name.startswith("reconstruction") or name.endswith("bias")
        weights[name] -= rate * (0.1 if slow else 1) * velocities[name]
    return weights, velocities
""",
            "changes what it was given",
        ),
    ],
    6: [
        (_gain(give="(sum(before) - sum(after)) / len(after)"), "the sign is wrong"),
        (_gain(prepare="pass"), "not rounded"),
        (_gain(error="(picture - target).double().square().mean()"), "nothing was shaved"),
        (_gain(give="sum(after) - sum(before)"), "a sum over images"),
        (_gain(give="sum(after) / len(after)"), "returns the PSNR of the outputs"),
        (_gain(decibel="-20 * error.log10()"), "twice as large"),
        (_gain(decibel="-10 * error.log()"), "the natural logarithm"),
        (_gain(give="[a - b for a, b in zip(after, before)]"), "a value for each image"),
        (
            _gain(decibel="error", give="10 * (torch.stack(before).mean() / torch.stack(after).mean()).log10()"),
            "the logarithm of a mean error",
        ),
        (
            """
def gain(outputs, enlarged, targets, shave):
    rows = [list(map(srcnn.quantize, outputs)), list(map(srcnn.quantize, enlarged)), targets]
    o, e, t = (torch.cat([p[:, shave:-shave, shave:-shave].flatten() for p in row]).double() for row in rows)
    return 10 * torch.log10((e - t).square().mean() / (o - t).square().mean()).item()
""",
            "pools the pixels",
        ),
    ],
    7: [
        (_train(give="learner.model"), "it returns the network"),
        (_train(settings=", architecture='9-5-5'"), "weights of another network"),
        (_train(settings=", color='rgb'")
         .replace("Crops(photographs", "Crops([p.repeat(3, 1, 1) for p in photographs]"),
         "weights of another network"),
        (_LOOP.format(target="y[:, max(r - 6, 0) : max(r - 6, 0) + 21, max(c - 6, 0) : max(c - 6, 0) + 21]"),
         "shifts the image"),
        (_train(settings=", optimizer='sgd', learning_rate=9.0, cosine=False"), "diverged"),
        (_train(steps="0"), "hardly learned anything"),
        (_train(give="training.make_model(config).state_dict()"), "hardly learned anything"),
        (_train(settings=", optimizer='sgd', learning_rate=1e-4, cosine=False, average=0.0"), "hardly learned"),
        (_train(steps="200"), "keep to its budget"),
        ("""
def train(photographs, squares):
    from srcnn import pretrained
    return pretrained.load("srcnn-9-1-5-x3").model.state_dict()
""", "asked for"),
    ],
}  # fmt: skip

RIGHT = {
    1: [
        """
def parameters(kernels, widths, channels):
    sizes = [channels, *widths, channels]
    layers = [torch.nn.Conv2d(n, m, f) for n, m, f in zip(sizes, sizes[1:], kernels)]
    return sum(p.numel() for layer in layers for p in layer.parameters())
""",
    ],
    2: [
        """
def reach(kernels):
    field = torch.tensor(kernels).sum() - len(kernels) + 1
    return [field // 2, field]
""",
    ],
    3: [
        """
def cut_pair(image, scale, border):
    c, h, w = image.shape
    h, w = h - h % scale, w - w % scale
    sharp = image[:, :h, :w].clone()
    blurred = srcnn.enlarge(srcnn.shrink(sharp.double(), scale), scale)
    return (blurred, F.pad(sharp, [-border] * 4))
""",
    ],
    4: [
        """
def learning_rate(step, steps, peak):
    rate = torch.tensor(peak, dtype=torch.float64) * torch.cos(torch.tensor(math.pi * step / steps / 2)) ** 2
    return rate * (step + 1) / 20 if step < 20 else rate
""",
    ],
    5: [
        """
def sgd_step(weights, gradients, velocities, rate):
    velocities = {name: velocities[name].double() * 0.9 + gradients[name] for name in reversed(weights)}
    fast = ("extraction.weight", "mapping.weight")
    return [{n: w - (rate if n in fast else rate / 10) * velocities[n] for n, w in weights.items()}, velocities]
""",
    ],
    6: [
        _gain(),
        """
def gain(outputs, enlarged, targets, shave):
    differences = []
    for o, e, t in zip(outputs, enlarged, targets):
        o, e, t = (srcnn.quantize(p)[0, shave:-shave, shave:-shave].double() for p in (o, e, t))
        differences.append(10 * torch.log10(((e - t) ** 2).sum() / ((o - t) ** 2).sum()))
    return torch.stack(differences).mean()
""",
    ],
    7: [_LOOP.format(target="y[:, r : r + 21, c : c + 21]")],
}
