from otter.test_files import test_case

OK_FORMAT = False

name = "question_6"
points = 3

@test_case(points=1, hidden=True)
def test_one_picture(gain, seed):
    import hidden_training
    hidden_training.one_picture(gain, seed)

@test_case(points=1, hidden=True)
def test_several_pictures(gain, seed):
    import hidden_training
    hidden_training.several_pictures(gain, seed)

@test_case(points=1, hidden=True)
def test_worse_than_bicubic(gain, seed):
    import hidden_training
    hidden_training.worse_than_bicubic(gain, seed)
