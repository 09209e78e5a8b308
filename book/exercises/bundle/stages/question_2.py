from otter.test_files import test_case

OK_FORMAT = False

name = "question_2"
points = 2

@test_case(points=0.5, hidden=True)
def test_filters_that_look_the_same_from_all_sides(filter_image, seed):
    import hidden_patches
    hidden_patches.symmetric_filters(filter_image, seed)

@test_case(points=0.5, hidden=True)
def test_filters_with_a_single_1_which_shift_the_picture(filter_image, seed):
    import hidden_patches
    hidden_patches.shifts(filter_image, seed)

@test_case(points=1, hidden=True)
def test_any_filter_on_any_picture(filter_image, seed):
    import hidden_patches
    hidden_patches.any_filter(filter_image, seed)
