"""The grader of the assignments: ``python -m grader`` with ``book`` on the path, or ``make grade``."""
