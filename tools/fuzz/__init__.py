"""Bad input on purpose: seeded cases of damaged and absurd files and words, each run under guard. ``make fuzz``."""
