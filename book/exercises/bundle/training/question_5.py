from otter.test_files import test_case

OK_FORMAT = False

name = "question_5"
points = 3

@test_case(points=1, hidden=True)
def test_from_rest(sgd_step, seed):
    import hidden_training
    hidden_training.from_rest(sgd_step, seed)

@test_case(points=1, hidden=True)
def test_in_motion(sgd_step, seed):
    import hidden_training
    hidden_training.in_motion(sgd_step, seed)

@test_case(points=1, hidden=True)
def test_several_steps(sgd_step, seed):
    import hidden_training
    hidden_training.several_steps(sgd_step, seed)
