from otter.test_files import test_case

OK_FORMAT = False

name = "question_3"
points = 2

@test_case(points=1, hidden=True)
def test_whole_multiples(cut_pair, seed):
    import hidden_training
    hidden_training.whole_multiples(cut_pair, seed)

@test_case(points=1, hidden=True)
def test_ragged_pictures(cut_pair, seed):
    import hidden_training
    hidden_training.ragged_pictures(cut_pair, seed)
