from otter.test_files import test_case

OK_FORMAT = False

name = "question_7"
points = 6

@test_case(points=2, hidden=True)
def test_ahead_by_0_2(train, seed):
    import hidden_weights
    hidden_weights.beats(train, seed, 0.2)

@test_case(points=2, hidden=True)
def test_ahead_by_0_5(train, seed):
    import hidden_weights
    hidden_weights.beats(train, seed, 0.5)

@test_case(points=1, hidden=True)
def test_ahead_by_0_8(train, seed):
    import hidden_weights
    hidden_weights.beats(train, seed, 0.8)

@test_case(points=1, hidden=True)
def test_ahead_by_0_9(train, seed):
    import hidden_weights
    hidden_weights.beats(train, seed, 0.9)
