#!/usr/bin/env bash
# Guess: a unittest that fails in one of its subTests is graded by gradescope-utils as any that fails: listed, with 0 points.
# Seen with 0.5.0: it is not in the results at all, neither its name nor its points, and nothing is told to the student. A
# test that passes all its subTests is listed as usual. The sum is that of the others, so a loop over images in subTests
# takes the points away without a word; an assertion after the loop, on a list of what failed, is graded.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check "gradescope-utils==0.5.0"
cat >"$folder/grade.py" <<'PYTHON'
import io
import json
import unittest
from importlib.metadata import version

from gradescope_utils.autograder_utils.decorators import weight
from gradescope_utils.autograder_utils.json_test_runner import JSONTestRunner


class Graded(unittest.TestCase):
    @weight(2)
    def test_passes(self):
        for scale in (2, 3):
            with self.subTest(scale=scale):
                self.assertGreater(scale, 1)

    @weight(2)
    def test_fails(self):
        self.assertEqual(3 * 3, 10)

    @weight(2)
    def test_fails_in_a_subtest(self):
        for scale in (2, 3):
            with self.subTest(scale=scale):
                self.assertEqual(scale, 2)


written = io.StringIO()
ran = JSONTestRunner(stream=written).run(unittest.defaultTestLoader.loadTestsFromTestCase(Graded))
assert not ran.wasSuccessful() and len(ran.failures) == 2  # unittest itself knows of both
results = json.loads(written.getvalue())
seen = {test["name"].split()[0]: (test["score"], test["max_score"]) for test in results["tests"]}
print(f"gradescope-utils {version('gradescope-utils')}: {seen}, in all {results['score']} points")
assert seen == {"test_passes": (2, 2), "test_fails": (0, 2)}
PYTHON
"$folder/env/bin/python" "$folder/grade.py"
echo "as described"
