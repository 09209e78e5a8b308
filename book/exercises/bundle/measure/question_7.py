from otter.test_files import test_case

OK_FORMAT = False

name = "question_7"
points = 4

@test_case(points=1.5, hidden=True)
def test_new_pixels_far_from_the_ends(enlarge_row, seed):
    import hidden_bicubic
    hidden_bicubic.far_from_the_ends(enlarge_row, seed)

@test_case(points=1.5, hidden=True)
def test_whole_rows_with_their_ends(enlarge_row, seed):
    import hidden_bicubic
    hidden_bicubic.whole_rows(enlarge_row, seed)

@test_case(points=1, hidden=True)
def test_rows_of_two_to_four_pixels(enlarge_row, seed):
    import hidden_bicubic
    hidden_bicubic.short_rows(enlarge_row, seed)
