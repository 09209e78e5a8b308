"""How far two markers agree."""

from collections import Counter
from pathlib import Path

from grader import manual
from srcnn import files


def kappa(pairs: list[tuple[float, float]], *, weighted: bool = False) -> float | None:
    r"""Cohen's kappa of two markers: their agreement beyond chance; 1 is full agreement, 0 is that of chance.

    .. math:: \kappa = 1 - \frac{\sum_{ij} w_{ij} o_{ij}}{\sum_{ij} w_{ij} e_{ij}}

    with the shares :math:`o` that were observed and :math:`e` that chance gives (Cohen, Psychological Bulletin 70, 213,
    1968).

    Args:
        pairs: of points, one pair for each answer.
        weighted: a difference counts by its size (w = |i - j|), and not each the same (w = 1).

    Returns:
        The number, or None where chance alone gives full agreement, as when both gave everybody the same.
    """
    if not pairs:
        return None

    def weight(a: float, b: float) -> float:
        return abs(a - b) if weighted else float(a != b)

    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    observed = sum(weight(a, b) for a, b in pairs) / len(pairs)
    chance = sum(weight(a, b) * n * m for a, n in first.items() for b, m in second.items()) / len(pairs) ** 2
    return 1 - observed / chance if chance else None


def write(path: Path, sheets: list[dict], markers: list[str]) -> list[str]:
    """Write how far two markers agree, for each question, and tell it.

    Args:
        path: of the table.
        sheets: of each marker: code and question -> what has ``points``, or None.
        markers: their names.
    """
    if len(sheets) < 2:
        return []
    rows, told = [], []
    for n in sorted({n for _, n in sheets[0]}):
        both = [(sheets[0][place], sheets[1][place]) for place in sheets[0] if place[1] == n and place in sheets[1]]
        pairs = [(a.points, b.points) for a, b in both if a and b]
        if not pairs:
            continue
        same = sum(a == b for a, b in pairs)
        values = [kappa(pairs), kappa(pairs, weighted=True)]
        mean = sum(a - b for a, b in pairs) / len(pairs)
        shown = ["none" if value is None else f"{value:.2f}" for value in values]
        rows.append([n, len(pairs), same, *shown, round(mean, 2)])
        told.append(
            f"question {n}: {len(pairs)} answers marked by both, {same} the same; Cohen's kappa {shown[0]}, weighted "
            f"{shown[1]}; {markers[0]} gave {abs(mean):.2f} points {'more' if mean >= 0 else 'less'} on average"
        )
    head = ["question", "answers", "same", "kappa", "weighted_kappa", f"{markers[0]} minus {markers[1]}"]
    files.write(path, manual.table([head, *rows]))
    return told
