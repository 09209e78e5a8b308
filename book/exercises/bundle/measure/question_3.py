from otter.test_files import test_case

OK_FORMAT = False

name = "question_3"
points = 2

@test_case(points=0.5, hidden=True)
def test_pictures_without_colour(luma, seed):
    import hidden_measure
    hidden_measure.greys(luma, seed)

@test_case(points=0.5, hidden=True)
def test_what_a_single_colour_adds(luma, seed):
    import hidden_measure
    hidden_measure.differences(luma, seed)

@test_case(points=1, hidden=True)
def test_any_colours(luma, seed):
    import hidden_measure
    hidden_measure.any_colours(luma, seed)
