from otter.test_files import test_case

OK_FORMAT = False

name = "question_4"
points = 2

@test_case(points=1, hidden=True)
def test_during_warm_up(learning_rate, seed):
    import hidden_training
    hidden_training.during_warm_up(learning_rate, seed)

@test_case(points=1, hidden=True)
def test_after_warm_up(learning_rate, seed):
    import hidden_training
    hidden_training.after_warm_up(learning_rate, seed)
