from otter.test_files import test_case

OK_FORMAT = False

name = "question_8"
points = 4

@test_case(points=1.5, hidden=True)
def test_pictures_that_the_scale_divides(score, seed):
    import hidden_bicubic
    hidden_bicubic.whole_multiples(score, seed)

@test_case(points=1.5, hidden=True)
def test_pictures_that_it_does_not_divide(score, seed):
    import hidden_bicubic
    hidden_bicubic.ragged_pictures(score, seed)

@test_case(points=1, hidden=True)
def test_other_scales(score, seed):
    import hidden_bicubic
    hidden_bicubic.other_scales(score, seed)
