from otter.test_files import test_case

OK_FORMAT = False

name = "question_2"
points = 2

@test_case(points=1, hidden=True)
def test_one_layer(reach, seed):
    import hidden_training
    hidden_training.one_layer(reach, seed)

@test_case(points=1, hidden=True)
def test_stacks(reach, seed):
    import hidden_training
    hidden_training.stacks(reach, seed)
