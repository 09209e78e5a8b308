from otter.test_files import test_case

OK_FORMAT = False

name = "question_4"
points = 2

@test_case(points=0.5, hidden=True)
def test_pictures_of_rows_and_columns(shave, seed):
    import hidden_measure
    hidden_measure.rows_and_columns(shave, seed)

@test_case(points=1, hidden=True)
def test_pictures_with_channels(shave, seed):
    import hidden_measure
    hidden_measure.channels(shave, seed)

@test_case(points=0.5, hidden=True)
def test_a_border_of_0(shave, seed):
    import hidden_measure
    hidden_measure.nothing_to_cut(shave, seed)
