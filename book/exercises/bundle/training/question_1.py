from otter.test_files import test_case

OK_FORMAT = False

name = "question_1"
points = 2

@test_case(points=1, hidden=True)
def test_three_layers(parameters, seed):
    import hidden_training
    hidden_training.three_layers(parameters, seed)

@test_case(points=1, hidden=True)
def test_other_depths(parameters, seed):
    import hidden_training
    hidden_training.other_depths(parameters, seed)
