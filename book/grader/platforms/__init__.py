"""Learning platforms: how each names what it exports, and what it takes back.

``moodle`` and ``canvas`` read an export and fill it; ``gradescope`` and ``classroom50`` make bundles that run there.
"""
