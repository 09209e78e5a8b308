"""Answers to *Train and report* as students write them, each the source of a cell.

``WRONG``: question -> (source, part of the hint that it should get), ...; ``RIGHT``: question -> other right sources.
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

_INTERVAL = """
def interval(ours, theirs, draws):
    gains = {gains}
    means = {means}
    error = {error}
    middle = gains.mean().item()
    low, high = (torch.quantile(means, q).item() for q in ({low}, {high}))
    return {give}
"""
_INTERVAL_PARTS = {"gains": "ours - theirs", "means": "gains[draws].mean(1)", "error": "0", "low": "0.025",
                   "high": "0.975", "give": "middle, low, high"}  # fmt: skip
_NORMAL = "middle, middle - 1.96 * error, middle + 1.96 * error"

_SAVING = """
def saving(profile, peak, bandwidth):
    spent, least, times = {{}}, {{}}, {{}}
    for name, calls, time, operations, moved in profile:
        times[name] = {calls}
        spent[name] = times[name] * time / 1e6
        least[name] = times[name] * ({bound})
    best = max(spent, key=lambda n: {by})
    total = sum(spent.values())
    return best, {share}, {factor}
"""
_SAVING_PARTS = {"calls": "calls", "bound": "max(operations / peak, moved / bandwidth)", "by": "spent[n] - least[n]",
                 "share": "spent[best] / total", "factor": "total / (total - spent[best] + least[best])"}  # fmt: skip

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


def _cut(high: str = _HIGH, low: str = _LOW, give: str = _GIVE) -> str:
    return _CUT.format(high=high, low=low, give=give)


def _step(**parts: str) -> str:
    return _STEP.format(**_STEP_PARTS | parts)


def _gain(**parts: str) -> str:
    return _GAIN.format(**_GAIN_PARTS | parts)


def _interval(**parts: str) -> str:
    return _INTERVAL.format(**_INTERVAL_PARTS | parts)


def _saving(**parts: str) -> str:
    return _SAVING.format(**_SAVING_PARTS | parts)


def _train(**parts: object) -> str:
    return _TRAIN.format(**_TRAIN_PARTS | parts)


WRONG = {
    1: [
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
    2: [
        (_step(sign="+"), "parameters follow the gradient"),
        (_step(slow="False"), "all parameters have the same rate"),
        (_step(slow="'reconstruction' in name"), "biases of the other layers do not"),
        (_step(slow="'bias' in name"), "filters of the last layer do not"),
        (_step(velocity="gradients[name]"), "no momentum"),
        (_step(velocity="0.1 * velocities[name] + gradients[name]"), "it should lose that"),
        (_step(velocity="0.9 * velocities[name] + 0.1 * gradients[name]"), "only 0.1 of the gradient"),
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
    3: [
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
    4: [
        (_interval(low="0.05", high="0.95"), "outside at each end"),
        (_interval(means="gains"), "interval of single images"),
        (_interval(means="ours[draws].mean(1) - theirs[draws.flip(0)].mean(1)"), "both methods saw the same images"),
        (_interval(give=_NORMAL, error="gains.std() / len(gains) ** 0.5"), "a normal interval"),
        (_interval(give=_NORMAL, error="means.std()"), "the resamples' standard deviation"),
        (_interval(low="0.005", high="0.995"), "an interval of 99%"),
        (_interval(gains="theirs - ours"), "the sign is wrong"),
        (_interval(give="low, high"), "only the two ends"),
        (_interval(give="means.mean().item(), low, high"), "the mean of the resamples"),
        (_interval(means="gains[draws].median(1).values"), "takes medians"),
    ],
    5: [
        (_saving(by="spent[n]"), "takes longest"),
        (_saving(calls="1"), "how often an operation is called"),
        (_saving(by="spent[n] / times[n]"), "slowest single call"),
        (_saving(bound="operations / peak"), "by the arithmetic alone"),
        (_saving(bound="moved / bandwidth"), "by the memory alone"),
        (_saving(bound="operations / peak + moved / bandwidth"), "adds the two times"),
        (_saving(factor="spent[best] / least[best]"), "that of the operation alone"),
        (_saving(factor="total / (total - spent[best])"), "took no time"),
        (_saving(share="100 * spent[best] / total"), "in percent"),
    ],
    6: [
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
def cut_pair(image, scale, border):
    c, h, w = image.shape
    h, w = h - h % scale, w - w % scale
    sharp = image[:, :h, :w].clone()
    blurred = srcnn.enlarge(srcnn.shrink(sharp.double(), scale), scale)
    return (blurred, F.pad(sharp, [-border] * 4))
""",
    ],
    2: [
        """
def sgd_step(weights, gradients, velocities, rate):
    velocities = {name: velocities[name].double() * 0.9 + gradients[name] for name in reversed(weights)}
    fast = ("extraction.weight", "mapping.weight")
    return [{n: w - (rate if n in fast else rate / 10) * velocities[n] for n, w in weights.items()}, velocities]
""",
    ],
    3: [
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
    4: [
        _interval(),
        """
def interval(ours, theirs, draws):
    import numpy as np
    g = (ours - theirs).numpy()
    resampled = sorted(float(g[d].mean()) for d in draws.numpy())
    return [g.mean(), *np.percentile(resampled, [2.5, 97.5])]
""",
    ],
    5: [
        _saving(),
        """
def saving(profile, peak, bandwidth):
    most = None
    total = sum(row[1] * row[2] for row in profile)
    for name, calls, time, ops, moved in profile:
        could = calls * (time - 1e6 * max(ops / peak, moved / bandwidth))
        if most is None or could > most[0]:
            most = could, name, calls * time / total, total / (total - could)
    return torch.tensor(0.0).new_tensor(most[0]).numel() and list(most[1:])
""",
    ],
    6: [_LOOP.format(target="y[:, r : r + 21, c : c + 21]")],
}
