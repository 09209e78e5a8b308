"""The exercises of chapter 11 that have a check: what bounds a step, and the roofline."""

from srcnn.checks.judging import Mistake, Question

QUESTIONS: dict[int, Question] = {
    1: Question(
        name="launch_bound",
        examples=lambda: [
            (200, 32, 0.0054),
            (200, 4096, 0.0054),
            (30, 100, 0.0005),
            (100, 100, 0.006),
            (10, 1, 0.03),
            (2, 1, 0.02),
        ],
        reference=lambda launches, batch, ms_per_patch: launches * 0.005 > batch * ms_per_patch,
        mistakes=(
            Mistake(
                "which of the two is the longer one?",
                lambda launches, batch, ms_per_patch: launches * 0.005 <= batch * ms_per_patch,
            ),
            Mistake("5 µs are 0.005 ms", lambda launches, batch, ms_per_patch: launches * 5 > batch * ms_per_patch),
            Mistake(
                "the arithmetic is done for every patch of the batch",
                lambda launches, batch, ms_per_patch: launches * 0.005 > ms_per_patch,
            ),
        ),
    ),
    2: Question(
        name="roofline",
        examples=lambda: [(6.48e6, 164_356, 8.1e12, 320e9), (2.56e6, 240_000, 8.1e12, 320e9), (1e9, 1e3, 1e12, 1e11)],
        reference=lambda operations, moved, peak, bandwidth: max(operations / peak, moved / bandwidth),
        mistakes=(
            Mistake(
                "a kernel computes and moves at the same time, so the two do not add",
                lambda operations, moved, peak, bandwidth: operations / peak + moved / bandwidth,
            ),
            Mistake(
                "the slower of the two is the bound, not the faster",
                lambda operations, moved, peak, bandwidth: min(operations / peak, moved / bandwidth),
            ),
            Mistake(
                "time is work divided by rate",
                lambda operations, moved, peak, bandwidth: max(peak / operations, bandwidth / moved),
            ),
        ),
        tolerance=1e-9,
    ),
}
